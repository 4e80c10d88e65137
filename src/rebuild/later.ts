/** What comes about a packet whose row is filled already: more visits, its drop. */
import { Word } from '../wire/words.ts';
import { amendRow } from './amend.ts';
import type { FlowStore } from './flow-store.ts';
import type { Flows } from './flows.ts';
import { completeDropped, isMapped } from './outcome.ts';
import type { PacketBatch } from './packet-batch.ts';
import { Present } from './packet-layout.ts';
import { LINGER_NS } from './packet-rows.ts';
import { isOlderThan } from './row-words.ts';
import { hasBit, isOfRow } from './same-packet.ts';
import type { Tuples } from './tuples.ts';

export class Later {
  private readonly store: FlowStore;
  private readonly flows: Flows;
  private readonly tuples: Tuples;

  constructor(store: FlowStore, flows: Flows, tuples: Tuples) {
    this.store = store;
    this.flows = flows;
    this.tuples = tuples;
  }

  /** Does nothing where the row is another packet's. */
  drop(
    batch: PacketBatch,
    row: number,
    words: Int32Array,
    at: number,
    reason: number,
    location: number,
  ): void {
    if (isOlderThan(batch.endedAt, row * 2, LINGER_NS, words, at + Word.ktime)) return;
    if (hasBit(batch, row, Present.drop) || !isOfRow(batch, row, words, at)) return;
    batch.dropReason[row] = reason;
    batch.dropLocation[row] = location;
    batch.present[row]! |= 1 << Present.drop;
    const flow = this.store.rowOfKnown(batch.flow[row * 2]!, batch.flow[row * 2 + 1]!);
    completeDropped(batch, row);
    if (flow >= 0) this.flows.rules.packetDropped(this.store.words, flow, batch, row);
  }

  /** Visits that continue those of the row. */
  amend(batch: PacketBatch, row: number, words: Int32Array, at: number, flow: number): void {
    const hadFlow = hasBit(batch, row, Present.flow);
    const wasMapped = isMapped(batch, row);
    const hadChains = batch.chainRuns[row]! > 0;
    amendRow(batch, row, words, at, { flow, store: this.store, tuples: this.tuples });
    if (flow < 0) return;
    this.flows.sawStatus(flow, words, at);
    this.flows.changes.late(words, at, flow, batch, row);
    if (!hadFlow) this.flows.countRow(batch, row, flow);
    if (hadFlow && !hadChains && batch.chainRuns[row]! > 0) this.flows.countChained(flow);
    if (hadFlow && !wasMapped && isMapped(batch, row)) this.flows.countMapped(flow);
  }
}
