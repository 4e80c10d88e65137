/**
 * A recorded capture, many times over: lanes of CPUs side by side, in each lane
 * copy after copy. Every copy has times, sequence numbers, sk_buffs, flows,
 * networks and ephemeral ports of its own, shifted alike wherever they occur,
 * so that what belonged together still does.
 */
import { CaptureReader } from '../../src/export/capture-reader.ts';
import type { TraceFacts } from '../../src/model/facts.ts';
import { RecordKind } from '../../src/wire/layout.ts';
import { bigAt, recordWords, Shift, Word } from '../../src/wire/words.ts';
import { moveFlow, moveTimes, shift } from './shift.ts';

/** CPU pairs side by side. */
const LANES = 8;
/** The guest waits most of the time: where nothing is under way, longer pauses are cut. */
const LONGEST_PAUSE_NS = 2_000_000n;
/** So long after boot the enlarged trace begins. */
const START_NS = 90_000_000_000_000n;

/** What one drain takes: of each CPU the records up to a common time. */
export interface Slice {
  readonly perCpu: readonly Uint8Array[];
  readonly horizonNs: bigint;
}

export interface Enlarged {
  readonly facts: TraceFacts;
  readonly symbols: Readonly<Record<string, string>>;
  readonly records: number;
  readonly copies: number;
  readonly slices: readonly Slice[];
}

/** One CPU's records of the capture, and when each was made, from 0 on. */
interface Lane {
  readonly records: Int32Array[];
  readonly timesNs: bigint[];
}

const VERSION = 2;

interface Base {
  readonly facts: TraceFacts;
  readonly symbols: Readonly<Record<string, string>>;
  readonly cpus: readonly Lane[];
  readonly records: number;
  readonly periodNs: bigint;
  readonly startNs: bigint;
  readonly flows: number;
}

/** @param paths captures of one kernel, played one after another. */
export async function enlarge(paths: readonly string[], leastRecords: number): Promise<Enlarged> {
  const base = await readBase(paths);
  const rounds = Math.ceil(leastRecords / base.records / LANES);
  const queues = Array.from({ length: LANES * base.cpus.length }, (_, cpu) =>
    fillQueue(base, cpu, rounds),
  );
  return {
    facts: { ...base.facts, cpus: queues.length },
    symbols: base.symbols,
    records: base.records * rounds * LANES,
    copies: rounds * LANES,
    slices: cut(queues, base.periodNs),
  };
}

/** The copies are made by changing records in place, which have had another form since. */
function refuseNewer(paths: readonly string[], readers: readonly CaptureReader[]): void {
  for (const [index, { facts }] of readers.entries()) {
    if (facts.recordVersion === VERSION) continue;
    const found = `found records of version ${facts.recordVersion}`;
    throw new Error(`${paths[index]}: ${found}, needed version ${VERSION}, as traffic.capture has`);
  }
}

async function readBase(paths: readonly string[]): Promise<Base> {
  const readers = await Promise.all(paths.map((path) => CaptureReader.open(path)));
  const { facts } = readers[0]!;
  refuseNewer(paths, readers);
  const cpus = Array.from({ length: facts.cpus }, (): Lane => ({ records: [], timesNs: [] }));
  let periodNs = 0n;
  let flows = 0;
  for (const reader of readers) {
    const all = await recordsOf(reader);
    const timesNs = squeezed(all);
    const flowsBefore = flows;
    for (const [index, words] of all.entries()) {
      flows = Math.max(flows, flowsBefore + words[Word.flow]!);
      moveFlow(words, 0, flowsBefore);
      const lane = cpus[(words[Word.cpu]! >>> Shift.cpu) & 0xffff]!;
      lane.records.push(words);
      lane.timesNs.push(periodNs + timesNs[index]!);
    }
    periodNs += timesNs.at(-1)! + LONGEST_PAUSE_NS;
  }
  return {
    facts,
    symbols: Object.assign({}, ...readers.map(({ end }) => end?.symbols)),
    cpus,
    records: cpus.reduce((sum, { records }) => sum + records.length, 0),
    periodNs,
    startNs: START_NS,
    flows,
  };
}

async function recordsOf(reader: CaptureReader): Promise<Int32Array[]> {
  const all: Int32Array[] = [];
  for await (const { bytes } of reader.chunks()) {
    const words = new Int32Array(bytes.slice().buffer);
    for (let at = 0; at < words.length; at += recordWords) {
      all.push(words.subarray(at, at + recordWords));
    }
  }
  await reader.close();
  return all.sort((a, b) => Number(bigAt(a, Word.ktime) - bigAt(b, Word.ktime)));
}

/** Times from 0 on, without the long pauses; nothing that lasted gets shorter. */
function squeezed(all: readonly Int32Array[]): bigint[] {
  const starts = all.map(startOf);
  for (let i = starts.length - 2; i >= 0; i--) starts[i] = min(starts[i]!, starts[i + 1]!);
  let cutNs = bigAt(all[0]!, Word.ktime);
  return all.map((words, i) => {
    const pauseNs = i === 0 ? 0n : starts[i]! - bigAt(all[i - 1]!, Word.ktime);
    if (pauseNs > LONGEST_PAUSE_NS) cutNs += pauseNs - LONGEST_PAUSE_NS;
    return bigAt(words, Word.ktime) - cutNs;
  });
}

/** When what a record tells of began. */
function startOf(words: Int32Array): bigint {
  const kind = (words[Word.kind]! >>> Shift.kind) & 0xff;
  const timeNs = bigAt(words, Word.ktime);
  if (kind === RecordKind.traversal) return min(timeNs, bigAt(words, Word.started));
  return kind === RecordKind.flow ? min(timeNs, bigAt(words, Word.first)) : timeNs;
}

/** All records of one CPU of the enlarged capture, in their order. */
function fillQueue(base: Base, cpu: number, rounds: number): Int32Array {
  const lane = cpu % LANES;
  const { records, timesNs } = base.cpus[Math.floor(cpu / LANES)]!;
  const words = new Int32Array(records.length * rounds * recordWords);
  const phaseNs = base.startNs + (base.periodNs * BigInt(lane)) / BigInt(LANES) + BigInt(lane);
  let at = 0;
  for (let round = 0; round < rounds; round++) {
    const copy = round * LANES + lane;
    const startNs = phaseNs + base.periodNs * BigInt(round);
    for (const [index, from] of records.entries()) {
      words.set(from, at);
      moveTimes(words, at, startNs + timesNs[index]! - bigAt(from, Word.ktime));
      words[at + Word.seq] = round * records.length + index;
      words[at + Word.cpu] = (words[at + Word.cpu]! & ~0xffff) | cpu;
      shift(words, at, copy, base.flows);
      at += recordWords;
    }
  }
  return words;
}

/** Cuts all queues at common times, so that a slice has about as much as one drain takes. */
function cut(queues: readonly Int32Array[], periodNs: bigint): Slice[] {
  const total = queues.reduce((sum, words) => sum + words.length, 0) / recordWords;
  const firstNs = queues.map((words) => bigAt(words, Word.ktime)).reduce(min);
  const lastNs = queues.map((words) => bigAt(words, words.length - recordWords)).reduce(max);
  const count = BigInt(Math.ceil(total / 49_152));
  const heads = queues.map(() => 0);
  const slices: Slice[] = [];
  for (let turn = 1n; turn <= count; turn++) {
    const endNs = firstNs + ((lastNs - firstNs) * turn) / count + 1n;
    const perCpu = queues.map((words, cpu) => {
      const start = heads[cpu]!;
      let end = start;
      while (end < words.length && bigAt(words, end) < endNs) end += recordWords;
      heads[cpu] = end;
      return new Uint8Array(words.buffer, start * 4, (end - start) * 4);
    });
    // a horizon lies before the drain: what is younger waits for the next
    slices.push({ perCpu, horizonNs: endNs - periodNs / 1000n });
  }
  return slices;
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
