/** test/bench/native/feed.h and contend.h, one to one: records made natively, here or in threads. */
import { fileURLToPath } from 'node:url';
import type { CpuCounters } from '../../../src/capture/kernel-counters.ts';
import type { MemoryRing } from '../../../src/libbpf/memory-ring.ts';
import { type BoundLibrary, bindLibrary, type Handle, isNull } from '../../../src/libbpf/native.ts';
import { counters, countersBytes, RecordKind } from '../../../src/wire/layout.ts';

const PATH = fileURLToPath(new URL('../../../build/native/scale.so', import.meta.url));

const SCALE = {
  feed_open: ['uint64', ['uint32', 'uint32', 'uint32', 'uint32']],
  feed_into: ['void', ['uint64', 'uint32', 'uint64']],
  feed_write: ['uint64', ['uint64', 'uint64']],
  feed_start: ['int', ['uint64', 'uint64', 'uint64']],
  feed_look: ['void', ['uint64', 'pointer']],
  feed_counters: ['void', ['uint64', 'uint32', 'pointer']],
  feed_close: ['void', ['uint64']],
  feed_thread_ns: ['uint64', []],
  contend: ['uint64', ['pointer', 'uint32', 'uint32', 'uint32', 'uint32', 'pointer']],
} as const;

let loaded: BoundLibrary<typeof SCALE> | undefined;

function scale(): BoundLibrary<typeof SCALE> {
  loaded ??= bindLibrary(PATH, SCALE);
  return loaded;
}

export interface Traffic {
  readonly cpus: number;
  /** Under way at once, over all CPUs. */
  readonly flows: number;
  /** On average; 0: no flow ends. */
  readonly packetsPerFlow: number;
  /** One later packet of so many is lost, on each CPU; 0: none. */
  readonly loseEvery: number;
}

export interface FeedState {
  /** Records so far, lost ones too. */
  readonly made: number;
  readonly cpuNs: number;
  /** How often a ring was full. */
  readonly waits: number;
}

export class Feed {
  private readonly handle: Handle;
  private readonly cpus: number;
  private readonly state = Buffer.from(new ArrayBuffer(32));

  /** The records of a CPU go into `rings[cpu % rings.length]`. */
  constructor({ cpus, flows, packetsPerFlow, loseEvery }: Traffic, rings: readonly MemoryRing[]) {
    const perCpu = Math.ceil(flows / cpus);
    this.cpus = cpus;
    this.handle = scale().feed_open(cpus, perCpu, packetsPerFlow, loseEvery);
    if (isNull(this.handle)) throw new Error(`no memory for ${flows} flows`);
    for (let cpu = 0; cpu < cpus; cpu++) {
      scale().feed_into(this.handle, cpu, rings[cpu % rings.length]!.handle);
    }
  }

  /** At once, in this thread; how many had room. */
  write(records: number): number {
    return Number(scale().feed_write(this.handle, records));
  }

  /** In a thread of its own, which waits where a ring is full; as fast as it can without a rate. */
  start(records: number, perSecond = 0): void {
    const status = scale().feed_start(this.handle, records, perSecond);
    if (status !== 0) throw new Error(`feed_start: ${status}`);
  }

  look(): FeedState {
    scale().feed_look(this.handle, this.state);
    const wide = (word: number) => Number(this.state.readBigUInt64LE(word * 8));
    return { made: wide(0), cpuNs: wide(1), waits: wide(2) };
  }

  /** What the kernel would have counted. Not while the thread runs. */
  counters(): CpuCounters[] {
    const bytes = Buffer.from(new ArrayBuffer(countersBytes));
    return Array.from({ length: this.cpus }, (_, cpu) => {
      scale().feed_counters(this.handle, cpu, bytes);
      return countersIn(bytes);
    });
  }

  close(): void {
    scale().feed_close(this.handle);
  }
}

function countersIn(bytes: Buffer): CpuCounters {
  const byKind = (at: number): number[] =>
    Array.from({ length: RecordKind.kinds }, (_, kind) =>
      Number(bytes.readBigUInt64LE(at + kind * 8)),
    );
  return {
    tried: byKind(counters.tried),
    ringFull: byKind(counters.ringFull),
    callsFull: 0,
    callsBegun: 0,
    callsEnded: 0,
    missedEntry: 0,
    flowsFull: 0,
    filteredOut: 0,
    seq: bytes.readUInt32LE(counters.seq),
  };
}

/** CPU nanoseconds of this thread so far. */
export function threadNs(): number {
  return Number(scale().feed_thread_ns());
}

/** CPU nanoseconds of all threads, and whether they ran at once; see contend.h. */
export function contend(
  rings: readonly MemoryRing[],
  how: { threads: number; shares: boolean; records: number; apartNs: number },
): { ns: number; isAtOnce: boolean } {
  const handles = BigUint64Array.from(rings, ({ handle }) => BigInt(handle));
  const list = Buffer.from(handles.buffer);
  const { threads, shares, records, apartNs } = how;
  const atOnce = Buffer.from(new ArrayBuffer(4));
  const ns = Number(scale().contend(list, threads, shares ? 1 : 0, records, apartNs, atOnce));
  if (ns === 0) throw new Error(`${threads} threads cannot be made`);
  return { ns, isAtOnce: atOnce.readUInt32LE() === 1 };
}
