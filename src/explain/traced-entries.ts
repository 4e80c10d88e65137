/**
 * Entries of the table, each tied to the flow of a recorded trace that is the
 * same entry: of one namespace, one zone, with the same two tuples, and in the
 * table when the trace ended. In: rows of `rules`, `flows` and `packets` in any
 * order, then how the trace ended. Keeps the batches of `flows`.
 */
import type { BatchView } from '../columns/batch-view.ts';
import { EntryHas, EntryWord, wideAt } from '../model/entry-row.ts';
import type { Manip } from '../model/ruleset.ts';
import type { EntryMemory } from '../table/show-text.ts';
import { keysOfEntry, keysOfFlow } from './entry-key.ts';
import { type RuleRow, readRules } from './rule-rows.ts';
import { lostUntil, type TraceEnds } from './trace-ends.ts';

export interface TracedManip {
  /** One of MAPPINGS. */
  readonly decidedBy: string;
  /** rules.rule; null: none, or not seen. */
  readonly rule: number | null;
  /** Undefined: none, or the trace has no row of it. */
  readonly row: RuleRow | undefined;
}

/** By direction: original, reply. */
type Counts = readonly [original: bigint, reply: bigint];

export interface TracedFlow {
  /** flows.flow. */
  readonly flow: bigint;
  /** It was in the table before the trace saw it: what was decided and counted then is not known. */
  readonly isOlder: boolean;
  readonly nat: Readonly<Record<Manip, TracedManip>>;
  /** Null: nothing counted them. */
  readonly packets: Counts | null;
  readonly bytes: Counts | null;
  /** Its last packet, ns since 1970; null: no packets were traced. */
  readonly lastAt: bigint | null;
}

export interface Untraced {
  readonly flow: null;
  readonly why: string;
}

export type Traced = TracedFlow | Untraced;

interface Place {
  readonly view: BatchView;
  readonly row: number;
}

/** The clock of a trace is set once, at its start: so far two times of one moment may lie apart. */
const APART_NS = 1_000_000_000n;

export class TracedEntries {
  private readonly netns: number;
  /** The newest flow of each original tuple. */
  private readonly flows = new Map<string, Place>();
  private readonly rules = new Map<number, RuleRow>();
  private readonly lastAt = new Map<bigint, bigint>();
  private lostUntil = Number.POSITIVE_INFINITY;
  private isCutShort = true;
  private countsPackets = false;

  constructor(netns: number) {
    this.netns = netns;
  }

  /** Of the namespace. */
  get hasFlows(): boolean {
    return this.flows.size > 0;
  }

  addRules(view: BatchView): void {
    for (const row of readRules(view)) this.rules.set(row.number, row);
  }

  addPackets(view: BatchView): void {
    const [netns, flows, times] = [
      view.numbers('netns'),
      view.bigs('flow'),
      view.bigs('started_at'),
    ];
    for (let row = 0; row < view.rows; row++) {
      if (netns[row] !== this.netns || view.isNull('flow', row)) continue;
      const [flow, at] = [flows[row]!, times[row]!];
      const known = this.lastAt.get(flow);
      if (known === undefined || known < at) this.lastAt.set(flow, at);
    }
  }

  addFlows(view: BatchView): void {
    const [netns, times] = [view.numbers('netns'), view.bigs('first_at')];
    for (let row = 0; row < view.rows; row++) {
      if (netns[row] !== this.netns || !wasInTable(view, row)) continue;
      const { original } = keysOfFlow(view, row);
      const known = this.flows.get(original);
      if (known !== undefined && known.view.bigs('first_at')[known.row]! > times[row]!) continue;
      this.flows.set(original, { view, row });
    }
  }

  end(ends: TraceEnds): void {
    this.lostUntil = lostUntil(ends);
    this.isCutShort = ends.ledger === null;
    this.countsPackets = ends.facts.detail !== 'flows';
  }

  find(memory: EntryMemory, at: number): Traced {
    const { original, reply } = keysOfEntry(memory, at);
    const place = this.flows.get(original);
    if (place === undefined) return { flow: null, why: 'no flow in it has this tuple' };
    const why = this.whyUnknown(place) ?? whyOther(place, reply, memory.words, at);
    return why === undefined ? this.flowOf(place) : { flow: null, why };
  }

  private whyUnknown({ view, row }: Place): string | undefined {
    const flow = `flow ${view.bigs('flow')[row]}`;
    if (view.word('end', row) !== 'open') {
      return `${flow} had this tuple and ended in it: the entry was made since`;
    }
    if (Number(view.bigs('first_at')[row]) <= this.lostUntil) {
      const lost = this.isCutShort ? 'the trace was cut short' : 'records were lost';
      return `unknown: ${lost} while ${flow} was in the table`;
    }
    if ((view.word('confirm', row) ?? 'unknown') === 'unknown') {
      return `unknown: what became of ${flow} at its confirmation was not seen`;
    }
    if (view.isTrue('complete', row)) return undefined;
    return `unknown: records about ${flow} were lost or came too late`;
  }

  private flowOf({ view, row }: Place): TracedFlow {
    const flow = view.bigs('flow')[row]!;
    const isOlder = view.isTrue('older', row);
    const both = (name: string): Counts => [
      view.bigs(name)[row]!,
      view.bigs(`${name}_reply`)[row]!,
    ];
    const packets = both('packets');
    // conntrack's own numbers: none of older entries, and none where it does not account
    const isCounted = this.countsPackets || (!isOlder && packets[0] + packets[1] > 0n);
    return {
      ...{ flow, isOlder },
      nat: { src: this.manipOf(view, row, 'src'), dst: this.manipOf(view, row, 'dst') },
      packets: isCounted ? packets : null,
      bytes: isCounted ? both('bytes') : null,
      lastAt: this.lastAt.get(flow) ?? null,
    };
  }

  private manipOf(view: BatchView, row: number, manip: Manip): TracedManip {
    const name = `${manip}_rule`;
    const rule = view.isNull(name, row) ? null : view.numbers(name)[row]!;
    return {
      ...{ decidedBy: view.word(`${manip}_nat`, row) ?? 'unknown', rule },
      row: rule === null ? undefined : this.rules.get(rule),
    };
  }
}

/** A flow that was refused, merged or never confirmed never was an entry. */
function wasInTable(view: BatchView, row: number): boolean {
  const confirm = view.word('confirm', row);
  if (confirm === 'none') return !view.isTrue('complete', row);
  return confirm !== 'refused' && confirm !== 'merged';
}

/** Why an entry with a flow's original tuple is another one all the same. */
function whyOther(
  { view, row }: Place,
  reply: string,
  words: Int32Array,
  at: number,
): string | undefined {
  const flow = `flow ${view.bigs('flow')[row]}`;
  if (keysOfFlow(view, row).reply !== reply) {
    return `${flow} had this tuple with another mapping: the entry was made since`;
  }
  return beganElsewhen(view, row, words, at)
    ? `${flow} had this tuple and began at another time: the entry was made since`
    : undefined;
}

/** False where conntrack notes no times (nf_conntrack_timestamp). */
function beganElsewhen(view: BatchView, row: number, words: Int32Array, at: number): boolean {
  if (!(words[at + EntryWord.has]! & EntryHas.start)) return false;
  const start = wideAt(words, at + EntryWord.startNs);
  const isKnown = !view.isTrue('older', row) && !view.isNull('confirmed_at', row);
  if (!isKnown) return start > view.bigs('first_at')[row]! + APART_NS;
  const confirmed = view.bigs('confirmed_at')[row]!;
  return start > confirmed + APART_NS || start + APART_NS < confirmed;
}
