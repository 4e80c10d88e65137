/** The drain that conntrail itself uses, over a ring in memory per CPU. */
import { Drain } from '../../src/libbpf/drain.ts';
import { MemoryRing } from '../../src/libbpf/memory-ring.ts';
import { recordBytes } from '../../src/wire/layout.ts';
import type { Slice } from './enlarge.ts';
import { cpuMs } from './figures.ts';

const RING_BYTES = 4 << 20;
const DRAIN_BYTES = 131_072 * recordBytes;

export class Rings {
  private readonly rings: readonly MemoryRing[];
  private readonly drain: Drain;
  private readonly room = new Uint8Array(DRAIN_BYTES);
  /** CPU milliseconds inside take(). */
  takenMs = 0;

  constructor(cpus: number) {
    this.rings = Array.from({ length: cpus }, () => MemoryRing.open(RING_BYTES));
    this.drain = Drain.open([], recordBytes);
    for (const ring of this.rings) this.drain.addMemoryRing(ring);
  }

  fill({ perCpu }: Slice): void {
    for (const [cpu, records] of perCpu.entries()) {
      if (records.length === 0) continue;
      const written = this.rings[cpu]!.write(records, recordBytes);
      if (written * recordBytes !== records.length) throw new Error(`ring ${cpu} was too small`);
    }
  }

  /** All that is there, in memory that is used again by the next call. */
  take(): Uint8Array {
    const startMs = cpuMs();
    const { bytes } = this.drain.take(this.room);
    this.takenMs += cpuMs() - startMs;
    return this.room.subarray(0, bytes);
  }

  /** The obvious drain: a call per record. */
  takeOneByOne(): Uint8Array {
    const startMs = cpuMs();
    let end = 0;
    for (;;) {
      const one = this.room.subarray(end, end + recordBytes);
      if (this.drain.take(one).bytes === 0) break;
      end += recordBytes;
    }
    this.takenMs += cpuMs() - startMs;
    return this.room.subarray(0, end);
  }

  async close(): Promise<void> {
    await this.drain.close();
    for (const ring of this.rings) ring.close();
  }
}
