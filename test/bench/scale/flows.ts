/** What a record costs by the number of flows under way. */

import { giveBack } from '../../../src/export/batch-memory.ts';
import { begin } from '../figures.ts';
import { DRAIN_BYTES, Line } from './line.ts';
import { peakBytes } from './memory.ts';
import { medianPerRecord, type Spent, sumOf } from './windows.ts';

const CPUS = 4;
const RING_BYTES = 4 << 20;
const SLICE = 32_768;
/** Records until the code is compiled: flows that come and go. */
const WARM_UP = 600_000;

export interface FlowsCase {
  readonly flows: number;
  /** Of packets of flows that are known. */
  readonly records: number;
}

export interface FlowsRun extends FlowsCase {
  /** CPU nanoseconds per record. */
  readonly drainNs: number;
  readonly tablesNs: number;
  /** CPU nanoseconds per flow: its own record and its first packet; its row, in the end. */
  readonly beginNs: number;
  readonly finishNs: number;
  readonly peakBytes: number;
}

export async function runFlows({ flows, records }: FlowsCase): Promise<FlowsRun> {
  const common = { cpus: CPUS, rings: CPUS, ringBytes: RING_BYTES, loseEvery: 0 };
  const warm = new Passes(new Line({ ...common, flows: 1000, packetsPerFlow: 20 }));
  warm.pass(WARM_UP);
  warm.finish();
  await warm.line.close();

  const passes = new Passes(new Line({ ...common, flows, packetsPerFlow: 0 }));
  const first = sumOf(passes.pass(flows * 2));
  passes.pass(Math.ceil(records / 4)); // memory of columns comes into use
  const later = passes.pass(records);
  const finishMs = passes.finish();
  const { tables } = passes.line;
  const begun = tables.tally.delivered.reduce((sum, count) => sum + count, 0);
  if (tables.evicted !== 0) throw new Error(`${tables.evicted} flows were given up`);
  if (passes.flowRows !== flows) throw new Error(`${passes.flowRows} rows of ${flows} flows`);
  if (begun !== passes.records) throw new Error(`${begun} of ${passes.records} records arrived`);
  await passes.line.close();
  return {
    flows,
    records,
    ...medianPerRecord(later),
    beginNs: (first.drainNs + first.tablesNs) / flows,
    finishNs: (finishMs * 1e6) / flows,
    peakBytes: peakBytes(),
  };
}

/** Records made and taken by turns, so that making them stays out of the figures. */
class Passes {
  readonly line: Line;
  records = 0;
  flowRows = 0;
  private readonly room = new Uint8Array(DRAIN_BYTES);

  constructor(line: Line) {
    this.line = line;
  }

  pass(records: number): Spent[] {
    const spent: Spent[] = [];
    for (let left = records; left > 0; left -= SLICE) {
      spent.push(this.slice(Math.min(left, SLICE)));
    }
    this.records += records;
    return spent;
  }

  private slice(records: number): Spent {
    const { feed, drain, tables } = this.line;
    if (feed.write(records) !== records) throw new Error('the rings were too small');
    const drainEnd = begin();
    const { bytes, horizonNs } = drain.take(this.room);
    const drainNs = drainEnd().cpuMs * 1e6;
    const tablesEnd = begin();
    tables.add(this.room.subarray(0, bytes), horizonNs);
    const tablesNs = tablesEnd().cpuMs * 1e6;
    this.drop();
    return { records, drainNs, tablesNs };
  }

  finish(): number {
    const end = begin();
    this.line.tables.finish();
    const { cpuMs } = end();
    this.drop();
    return cpuMs;
  }

  private drop(): void {
    for (const { table, batch } of this.line.tables.takeReady()) {
      if (table === 'flows') this.flowRows += batch.numRows;
      giveBack(batch);
    }
  }
}
