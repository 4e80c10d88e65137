/** A recorded trace beside the table of now: what `conntrail table list --from` adds to each entry. */
import { BatchView } from '../columns/batch-view.ts';
import { type Traced, TracedEntries } from '../explain/traced-entries.ts';
import { tracedText } from '../explain/traced-text.ts';
import { bootId } from '../kernel/boot-id.ts';
import { TraceError } from '../model/error.ts';
import type { TraceFacts, TraceTimes } from '../model/facts.ts';
import { type Ledger, totalLost } from '../model/ledger.ts';
import { FLOWS, PACKETS, RULES } from '../model/tables.ts';
import type { EntryMemory } from '../table/show-text.ts';
import type { Totals } from './table-sort.ts';
import { isOneTable, readTrace } from './trace-source.ts';
import { reportLedger } from './watch-run.ts';

interface Ended {
  readonly facts: TraceFacts;
  readonly times: TraceTimes | undefined;
  readonly ledger: Ledger | null;
}

export class TracedTable {
  private readonly entries: TracedEntries;
  private readonly ended: Ended;
  private listed = 0;
  private known = 0;

  constructor(entries: TracedEntries, ended: Ended) {
    this.entries = entries;
    this.ended = ended;
  }

  /** What the trace counted of an entry, both directions together. */
  readonly totals: Totals = (memory, at) => {
    const traced = this.entries.find(memory, at);
    if (traced.flow === null || traced.packets === null || traced.bytes === null) return null;
    const { packets, bytes } = traced;
    return { packets: packets[0] + packets[1], bytes: bytes[0] + bytes[1] };
  };

  /** Of an entry that is listed. */
  tell(memory: EntryMemory, at: number): Traced {
    const traced = this.entries.find(memory, at);
    this.listed++;
    if (traced.flow !== null) this.known++;
    return traced;
  }

  /** Below the columns of an entry that is listed. */
  lineOf(memory: EntryMemory, at: number): string {
    return `  trace: ${tracedText(this.tell(memory, at))}`;
  }

  /** The last words, on stderr. */
  report(): void {
    reportLedger(this.ended.ledger);
    process.stderr.write(`${this.sumText()}\n`);
  }

  private sumText(): string {
    const { listed, known, ended, entries } = this;
    const { facts, times, ledger } = ended;
    const end = times === undefined ? '' : `, which ended at ${endText(facts, times)}`;
    const isWhole = ledger !== null && totalLost(ledger) === 0;
    const notes = [
      ...(entries.hasFlows ? [] : ['it has no flows of this network namespace']),
      ...(facts.sample > 1 ? [`it took one of ${facts.sample} flows`] : []),
      ...(facts.filter === '' ? [] : [`its filter was ${facts.filter}`]),
      ...(isWhole ? [] : ['what it does not know may be what was lost']),
    ];
    const count = `${listed} ${listed === 1 ? 'entry' : 'entries'}, ${known} known to the trace`;
    return [`${count}${end}`, ...notes].join('; ');
  }
}

/** By the wall clock, whole seconds. */
function endText({ clockOffsetNs }: TraceFacts, { endedKtimeNs }: TraceTimes): string {
  const ms = Number((BigInt(endedKtimeNs) + BigInt(clockOffsetNs)) / 1_000_000n);
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** Of the namespace with this inode, which means something within one boot alone. */
export async function readTraced(from: string, netns: number): Promise<TracedTable> {
  const entries = new TracedEntries(netns);
  let facts: TraceFacts | undefined;
  let times: TraceTimes | undefined;
  const tables = (await isOneTable(from))
    ? (['flows'] as const)
    : (['rules', 'flows', 'packets'] as const);
  const ledger = await readTrace(from, tables, {
    facts: (found) => {
      refuseOtherBoot(from, found);
      facts = found;
    },
    times: (found) => {
      times = found;
    },
    batch: async ({ table, batch }) => {
      if (table === 'packets') entries.addPackets(new BatchView(batch, PACKETS));
      else if (table === 'rules') entries.addRules(new BatchView(batch, RULES));
      else entries.addFlows(new BatchView(batch, FLOWS));
    },
  });
  const ended = { facts: facts!, times, ledger };
  entries.end(ended);
  return new TracedTable(entries, ended);
}

/** Numbers of namespaces and tuples come again elsewhere, and after the next boot. */
function refuseOtherBoot(from: string, { bootId: found, node, kernel }: TraceFacts): void {
  const own = bootId();
  if (own !== undefined && found === own) return;
  const of = `${from} is of ${node}, kernel ${kernel}`;
  const what =
    found === undefined
      ? `${of}, and does not say of which boot`
      : `${of}, of another boot or machine`;
  throw new TraceError('unsupported', `${what}, needed a trace of this boot`, {
    hint: 'conntrail record --duration 5s --out trace',
  });
}
