/** What `conntrail watch` does; watch.ts says how it is called. */
import { once } from 'node:events';
import { BatchView } from '../columns/batch-view.ts';
import { flowLine, type NetnsName, packetLine } from '../columns/describe-row.ts';
import { stateLine } from '../columns/describe-state.ts';
import type { TraceFacts } from '../model/facts.ts';
import { describeLedger, type Ledger, totalLost } from '../model/ledger.ts';
import { FLOWS, PACKETS, STATES_TABLE, type Table } from '../model/tables.ts';
import { Exit, endWith } from './exit.ts';
import type { NamedBatch } from './tables.ts';
import { refuseLiveOptions, type TraceOptions } from './trace-options.ts';
import { readTrace, type TraceSink, traceLive } from './trace-source.ts';

export interface WatchOptions extends TraceOptions {
  readonly from?: string;
  readonly flows?: boolean;
  readonly format: 'text' | 'json';
}

export async function watch(options: WatchOptions): Promise<void> {
  refuseLiveOptions(options);
  const sink = new LineSink(options.format);
  const shown = options.states ? 'states' : options.flows ? 'flows' : 'packets';
  const tables = [shown] as const;
  const ledger =
    options.from === undefined
      ? await traceLive(options, tables, sink)
      : await readTrace(options.from, tables, sink);
  reportLedger(ledger);
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

const LINES: Readonly<Record<string, Lines>> = {
  packets: { table: PACKETS, time: 'started_at', text: packetLine },
  flows: { table: FLOWS, time: 'first_at', text: flowLine },
  states: { table: STATES_TABLE, time: 'changed_at', text: stateLine },
};

class LineSink implements TraceSink {
  private readonly format: 'text' | 'json';
  private netnsName: NetnsName = String;

  constructor(format: 'text' | 'json') {
    this.format = format;
  }

  facts({ netnsNames }: TraceFacts): void {
    this.netnsName = (inode) => netnsNames[inode] ?? String(inode);
  }

  async batch({ table, batch }: NamedBatch): Promise<void> {
    const { table: shown, time, text } = LINES[table]!;
    const view = new BatchView(batch, shown);
    for (const row of rowsByTime(view, time)) {
      const line =
        this.format === 'json' ? jsonLine(view.row(row)) : text(view, row, this.netnsName);
      if (!process.stdout.write(`${line}\n`)) await once(process.stdout, 'drain');
    }
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
