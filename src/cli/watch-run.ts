/** What `conntrail watch` does; watch.ts says how it is called. */
import { BatchView } from '../columns/batch-view.ts';
import { failureLine } from '../columns/describe-failure.ts';
import { flowLine, type NetnsName, packetLine } from '../columns/describe-row.ts';
import { stateLine } from '../columns/describe-state.ts';
import type { TraceFacts } from '../model/facts.ts';
import { describeLedger, type Ledger, totalLost } from '../model/ledger.ts';
import { FAILURES, FLOWS, PACKETS, STATES_TABLE, type Table } from '../model/tables.ts';
import { Exit, endWith } from './exit.ts';
import { reportExplained } from './explained.ts';
import type { NamedBatch } from './tables.ts';
import { refuseLiveOptions, type TraceOptions } from './trace-options.ts';
import { readTrace, type TraceSink, traceLive } from './trace-source.ts';
import { writeOut } from './write-out.ts';

export interface WatchOptions extends TraceOptions {
  readonly from?: string;
  readonly flows?: boolean;
  readonly failures?: boolean;
  readonly format: 'text' | 'json';
}

export async function watch(options: WatchOptions): Promise<void> {
  refuseLiveOptions(options);
  const sink = new LineSink(options.format);
  const tables = [shownTable(options)] as const;
  const ledger =
    options.from === undefined
      ? await traceLive(options, tables, sink)
      : await readTrace(options.from, tables, sink);
  if (options.failures) reportExplained(ledger, sink.netnsName);
  reportLedger(ledger);
}

function shownTable({ flows, states, failures }: WatchOptions): Shown {
  if (failures) return 'failures';
  if (states) return 'states';
  return flows ? 'flows' : 'packets';
}

/** The last words of every command that shows a trace. */
export function reportLedger(ledger: Ledger | null): void {
  const text = ledger === null ? 'cut short: no ledger, losses unknown' : describeLedger(ledger);
  process.stderr.write(`${text}\n`);
  if (ledger === null || totalLost(ledger) > 0) endWith(Exit.losses);
}

interface Lines {
  readonly table: Table;
  /** Column by whose times lines are put in order. */
  readonly time: string;
  readonly text: (view: BatchView, row: number, netnsName: NetnsName) => string;
}

type Shown = 'packets' | 'flows' | 'states' | 'failures';

const LINES: Readonly<Record<Shown, Lines>> = {
  packets: { table: PACKETS, time: 'started_at', text: packetLine },
  flows: { table: FLOWS, time: 'first_at', text: flowLine },
  states: { table: STATES_TABLE, time: 'changed_at', text: stateLine },
  failures: { table: FAILURES, time: 'failed_at', text: failureLine },
};

class LineSink implements TraceSink {
  netnsName: NetnsName = String;
  private readonly format: 'text' | 'json';

  constructor(format: 'text' | 'json') {
    this.format = format;
  }

  facts({ netnsNames }: TraceFacts): void {
    this.netnsName = (inode) => netnsNames[inode] ?? String(inode);
  }

  async batch({ table, batch }: NamedBatch): Promise<void> {
    const { table: shown, time, text } = LINES[table as Shown];
    const view = new BatchView(batch, shown);
    const line = (row: number): string =>
      this.format === 'json' ? jsonLine(view.row(row)) : text(view, row, this.netnsName);
    const lines = Array.from(rowsByTime(view, time), (row) => `${line(row)}\n`);
    await writeOut(lines.join(''));
  }
}

/** Rows are in the order of their ends; people read in the order of beginnings. */
function rowsByTime(view: BatchView, column: string): Uint32Array {
  const times = view.bigs(column);
  const order = Uint32Array.from({ length: view.rows }, (_, row) => row);
  return order.sort((a, b) => Number(times[a]! - times[b]!) || a - b);
}

/** 64-bit values that a double cannot hold go as text; nanoseconds always do. */
export function jsonLine(row: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(row, (_, value: unknown) =>
    typeof value === 'bigint'
      ? value <= BigInt(Number.MAX_SAFE_INTEGER)
        ? Number(value)
        : value.toString()
      : value,
  );
}
