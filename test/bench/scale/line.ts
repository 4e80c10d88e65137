/** From rings to batches: the rings of all CPUs, the drain, the tables. */
import { DRAIN_BYTES } from '../../../src/cli/live-trace.ts';
import { TraceTables } from '../../../src/cli/tables.ts';
import { Drain } from '../../../src/libbpf/drain.ts';
import { MemoryRing } from '../../../src/libbpf/memory-ring.ts';
import { RECORD_VERSION, type TraceFacts } from '../../../src/model/facts.ts';
import { recordBytes } from '../../../src/wire/layout.ts';
import { Feed, type Traffic } from './feed.ts';

/** Of one drain, as a live trace has them. */
export { DRAIN_BYTES };

export interface LineOptions extends Traffic {
  readonly rings: number;
  readonly ringBytes: number;
  /** Fill of a ring at which the drain does not wait; absent: anything. */
  readonly wakeBytes?: number;
}

export class Line {
  readonly facts: TraceFacts;
  readonly feed: Feed;
  readonly drain: Drain;
  readonly tables: TraceTables;
  private readonly rings: readonly MemoryRing[];

  constructor(options: LineOptions) {
    this.facts = factsOf(options.cpus);
    this.rings = Array.from({ length: options.rings }, () => MemoryRing.open(options.ringBytes));
    this.drain = Drain.open([], recordBytes, { wakeBytes: options.wakeBytes ?? 1 });
    for (const ring of this.rings) this.drain.addMemoryRing(ring);
    this.feed = new Feed(options, this.rings);
    this.tables = new TraceTables(this.facts, (address) => `0x${address.toString(16)}`);
  }

  async close(): Promise<void> {
    this.feed.close();
    await this.drain.close();
    for (const ring of this.rings) ring.close();
  }
}

function factsOf(cpus: number): TraceFacts {
  return {
    recordVersion: RECORD_VERSION,
    recordBytes,
    node: 'bench',
    kernel: 'none',
    arch: process.arch,
    cpus,
    clockOffsetNs: (BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint()).toString(),
    dropReasons: {},
    attached: [],
    notAvailable: [],
    extras: [],
    sources: {},
    detail: 'packets',
    backend: 'fentry',
    sample: 1,
    filter: '',
    netnsNames: {},
    places: {},
  };
}
