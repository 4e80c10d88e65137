/** What the reader pays by the number of CPUs, with a ring for each or one for all. */
import { setTimeout as sleep } from 'node:timers/promises';
import { defaultRingBytes } from '../../../src/capture/rings.ts';
import { giveBack } from '../../../src/export/batch-memory.ts';
import { threadNs } from './feed.ts';
import { DRAIN_BYTES, Line } from './line.ts';
import { medianPerRecord, type Spent, sumOf } from './windows.ts';

const FLOWS = 4096;
const PACKETS_PER_FLOW = 20;
/** The reader keeps up: one that is behind gets its records from the merge in bursts. */
const PER_SECOND = 400_000;
const PAUSE_MS = 50;

export interface CpusCase {
  readonly cpus: number;
  readonly shares: boolean;
  readonly records: number;
}

export interface CpusRun extends CpusCase {
  /** CPU nanoseconds of the reader's thread per record. */
  readonly drainNs: number;
  readonly tablesNs: number;
  /** The whole process but the producer. */
  readonly allNs: number;
}

export async function runCpus({ cpus, shares, records }: CpusCase): Promise<CpusRun> {
  const perCpu = defaultRingBytes(cpus);
  const line = new Line({
    cpus,
    rings: shares ? 1 : cpus,
    ringBytes: shares ? perCpu * cpus : perCpu,
    flows: Math.max(FLOWS, cpus),
    packetsPerFlow: PACKETS_PER_FLOW,
    loseEvery: 0,
  });
  const warmUp = Math.ceil(records / 2);
  line.feed.start(warmUp + records, PER_SECOND);
  const found = await readAll(line, warmUp, warmUp + records);
  const { evicted } = line.tables;
  if (evicted !== 0) throw new Error(`${evicted} flows were given up`);
  await line.close();
  return { cpus, shares, records, ...found };
}

type Found = Pick<CpusRun, 'drainNs' | 'tablesNs' | 'allNs'>;

/** What is spent after the first records. */
async function readAll(line: Line, from: number, to: number): Promise<Found> {
  const { feed, drain, tables } = line;
  const room = new Uint8Array(DRAIN_BYTES);
  const allNs = () => {
    const { user, system } = process.cpuUsage();
    return (user + system) * 1000 - feed.look().cpuNs;
  };
  const spent: Spent[] = [];
  let startNs: number | undefined;
  for (let taken = 0; taken < to; ) {
    const beginNs = threadNs();
    const { bytes, records, horizonNs } = drain.take(room);
    const drainedNs = threadNs();
    tables.add(room.subarray(0, bytes), horizonNs);
    const addedNs = threadNs();
    for (const { batch } of tables.takeReady()) giveBack(batch);
    taken += records;
    if (startNs !== undefined) {
      spent.push({ records, drainNs: drainedNs - beginNs, tablesNs: addedNs - drainedNs });
    } else if (taken >= from) startNs = allNs();
    await sleep(PAUSE_MS);
  }
  const wholeNs = allNs() - (startNs ?? 0);
  return { ...medianPerRecord(spent), allNs: wholeNs / sumOf(spent).records };
}
