/** What the reader pays by the number of CPUs, with a ring for each or one for all. */
import { setTimeout as sleep } from 'node:timers/promises';
import { defaultRingBytes } from '../../../src/capture/rings.ts';
import { threadNs } from './feed.ts';
import { DRAIN_BYTES, Line, letGo } from './line.ts';

const FLOWS = 4096;
const PACKETS_PER_FLOW = 20;
/** A drain with less than this is worth a pause: its call would weigh too much. */
const FEW_BYTES = DRAIN_BYTES / 4;
const PAUSE_MS = 5;

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

interface Spent {
  readonly drainNs: number;
  readonly tablesNs: number;
  readonly allNs: number;
  readonly records: number;
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
  line.feed.start(warmUp + records);
  const spent = await readAll(line, warmUp, warmUp + records);
  const { evicted } = line.tables;
  if (evicted !== 0) throw new Error(`${evicted} flows were given up`);
  await line.close();
  const per = (ns: number) => ns / spent.records;
  return {
    cpus,
    shares,
    records,
    drainNs: per(spent.drainNs),
    tablesNs: per(spent.tablesNs),
    allNs: per(spent.allNs),
  };
}

/** What is spent after the first records. */
async function readAll({ feed, drain, tables }: Line, from: number, to: number): Promise<Spent> {
  const room = new Uint8Array(DRAIN_BYTES);
  let [taken, drainNs, tablesNs] = [0, 0, 0];
  let start: { allNs: number; taken: number } | undefined;
  const allNs = () => {
    const { user, system } = process.cpuUsage();
    return (user + system) * 1000 - feed.look().cpuNs;
  };
  while (taken < to) {
    const beginNs = threadNs();
    const { bytes, records, horizonNs } = drain.take(room);
    const drainedNs = threadNs();
    tables.add(room.subarray(0, bytes), horizonNs);
    const addedNs = threadNs();
    for (const { batch } of tables.takeReady()) letGo(batch);
    taken += records;
    if (start !== undefined) {
      drainNs += drainedNs - beginNs;
      tablesNs += addedNs - drainedNs;
    } else if (taken >= from) start = { allNs: allNs(), taken };
    if (bytes < FEW_BYTES) await sleep(PAUSE_MS);
  }
  const { allNs: startNs = 0, taken: before = 0 } = start ?? {};
  return { drainNs, tablesNs, allNs: allNs() - startNs, records: taken - before };
}
