/** Staged records into the columns of their rows: what to fill is said here, the shim does it. */
import { PacketFill } from '../libbpf/columns.ts';
import type { FlowStore } from './flow-store.ts';
import type { RebuildOptions } from './options.ts';
import type { PacketBatch } from './packet-batch.ts';
import type { PacketLayout } from './packet-layout.ts';
import type { Stage } from './stage.ts';
import { statesOf } from './states.ts';

export type FillOptions = Pick<RebuildOptions, 'clockOffsetNs' | 'oneByOne'>;

export class Fill {
  private readonly stage: Stage;
  private readonly store: FlowStore;
  /** With the changes of state that the last call found. */
  readonly plan: PacketFill;

  constructor(stage: Stage, store: FlowStore, layout: PacketLayout, how: FillOptions) {
    this.stage = stage;
    this.store = store;
    this.plan = new PacketFill(stage.staged, {
      clockOffsetNs: how.clockOffsetNs,
      leavesOpen: how.oneByOne ?? false,
      columns: Object.values(layout.offsets),
      states: [statesOf(false), statesOf(true)],
    });
  }

  /**
   * The last rows of the batch, the first of which has the number `firstNumber`.
   * Returns how many rows are left open: not decided, not complete, not counted.
   */
  fill(batch: PacketBatch, firstNumber: number): number {
    const { count, words } = this.stage;
    return this.plan.fill({
      memory: batch.memory,
      firstRow: batch.length - count,
      firstNumber,
      count,
      records: words,
      flows: this.store.words,
    });
  }
}
