/** Staged records into the columns of their rows: what to fill is said here, the shim does it. */
import { PacketFill } from '../libbpf/columns.ts';
import { Decision } from '../model/codes.ts';
import type { FlowStore } from './flow-store.ts';
import type { PacketBatch } from './packet-batch.ts';
import type { PacketLayout } from './packet-layout.ts';
import type { Stage } from './stage.ts';
import { statesOf } from './states.ts';

export class Fill {
  private readonly stage: Stage;
  private readonly store: FlowStore;
  /** With the changes of state that the last call found. */
  readonly plan: PacketFill;

  /** `clockOffsetNs`: wall clock minus CLOCK_MONOTONIC. */
  constructor(stage: Stage, store: FlowStore, layout: PacketLayout, clockOffsetNs: bigint) {
    this.stage = stage;
    this.store = store;
    this.plan = new PacketFill(stage.staged, {
      clockOffsetNs,
      mappingCode: Decision.mapping,
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
