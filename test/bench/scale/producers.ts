/** What producers pay that run at once: each a ring of its own, or one for all. */
import { Drain } from '../../../src/libbpf/drain.ts';
import { MemoryRing } from '../../../src/libbpf/memory-ring.ts';
import { recordBytes } from '../../../src/wire/layout.ts';
import { contend } from './feed.ts';
import { median } from './windows.ts';

const ROUNDS = 21;
/** With those in which other work had a core. */
const MOST_ROUNDS = 84;
const RECORDS = 32_768;
const SAMPLE_BYTES = recordBytes + 8;

export interface ProducersCase {
  readonly threads: number;
  /** Between two records of a thread. */
  readonly apartNs: number;
}

export interface ProducersRun extends ProducersCase {
  /** CPU nanoseconds of a producer per record, without what it waits between two. */
  readonly ownNs: number;
  readonly sharedNs: number;
}

export async function runProducers({ threads, apartNs }: ProducersCase): Promise<ProducersRun> {
  const ownNs = await medianOf(threads, false, apartNs);
  const sharedNs = await medianOf(threads, true, apartNs);
  return { threads, apartNs, ownNs, sharedNs };
}

/** NaN where the threads never ran at once. Rounds: rings are filled with nobody reading, then emptied. */
async function medianOf(threads: number, shares: boolean, apartNs: number): Promise<number> {
  const writers = shares ? threads : 1;
  const ringBytes = 2 ** Math.ceil(Math.log2((RECORDS * writers + 1) * SAMPLE_BYTES));
  const rings = Array.from({ length: shares ? 1 : threads }, () => MemoryRing.open(ringBytes));
  const drain = Drain.open([], recordBytes);
  for (const ring of rings) drain.addMemoryRing(ring);
  const total = RECORDS * threads;
  const room = new Uint8Array(total * recordBytes);
  const figures: number[] = [];
  for (let round = 0; round <= MOST_ROUNDS && figures.length < ROUNDS; round++) {
    const { ns, isAtOnce } = contend(rings, { threads, shares, records: RECORDS, apartNs });
    const { records } = drain.take(room);
    if (records !== total) throw new Error(`${records} of ${total} records arrived`);
    if (round > 0 && isAtOnce) figures.push(ns / total - apartNs);
  }
  await drain.close();
  for (const ring of rings) ring.close();
  return median(figures);
}
