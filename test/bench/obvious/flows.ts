/** Flows as objects in Maps by number: those that are open, those that have ended. */
import { Status } from '../../../src/model/codes.ts';
import { RecordFlag } from '../../../src/wire/layout.ts';
import type { TraceRecord, Tuple } from './record.ts';
import { type Flow, newFlow, type Row } from './rows.ts';

const LINGER_NS = 1_000_000_000n;

export class ObviousFlows {
  private readonly open = new Map<bigint, Flow>();
  private readonly ended = new Map<bigint, Flow>();
  private readonly clockOffsetNs: bigint;
  private readonly sink: (row: Row) => void;

  constructor(clockOffsetNs: bigint, sink: (row: Row) => void) {
    this.clockOffsetNs = clockOffsetNs;
    this.sink = sink;
  }

  /** A flow by its number, if it is still in the making. */
  find(number: bigint): Flow | undefined {
    return this.ended.get(number) ?? this.open.get(number);
  }

  /** The flow that a record names. */
  of(record: TraceRecord): Flow | undefined {
    if (record.flow === 0n) return undefined;
    const flow = this.find(record.flow) ?? this.begin(record);
    flow.lastNs = record.ktimeNs;
    return flow;
  }

  sawTuple(record: TraceRecord): void {
    const flow = this.of(record);
    if (flow === undefined || record.detail.kind !== 'flow') return;
    const { row } = flow;
    const { flags, detail } = record;
    if (flags & RecordFlag.flowMerged) {
      row.confirm = 'merged';
      return;
    }
    if (flags & RecordFlag.flowParent) {
      row.parent = record.skb; // in its place
      return;
    }
    sawState(row, record);
    row.zone = detail.zone;
    row.entry = detail.entry;
    row.first_at = detail.firstNs + this.clockOffsetNs;
    row.first_ktime_ns = detail.firstNs;
    flow.wasTold = true;
    if (flags & RecordFlag.flowReply) sawReply(flow, detail.tuple);
    else sawOriginal(flow, detail.tuple);
    sawDecided(row, flags);
    if (flags & RecordFlag.flowConfirmRan) this.sawConfirm(row, record);
    if ((flags & RecordFlag.flowNew) === 0) sawOlder(row);
  }

  sawEnd(record: TraceRecord): void {
    const flow = this.of(record);
    if (flow === undefined || record.detail.kind !== 'end') return;
    sawState(flow.row, record);
    sawOriginal(flow, record.detail.tuple);
    flow.row.ended_at = record.ktimeNs + this.clockOffsetNs;
    if (record.flags & RecordFlag.endUnconfirmed) flow.row.end = 'never confirmed';
    else flow.row.end = record.detail.remaining > 0 ? 'deleted' : 'expired';
    this.open.delete(flow.number);
    this.ended.delete(flow.number);
    this.ended.set(flow.number, flow);
  }

  expire(nowNs: bigint): void {
    for (const flow of this.ended.values()) {
      if (flow.lastNs + LINGER_NS >= nowNs) return;
      this.handOn(flow);
    }
  }

  finish(): void {
    for (const flow of this.ended.values()) this.handOn(flow);
    for (const flow of this.open.values()) this.handOn(flow);
  }

  private sawConfirm(row: Row, { verdict, ktimeNs }: TraceRecord): void {
    row.confirm = verdict === 1 ? 'inserted' : 'refused';
    if (verdict === 1) row.confirmed_at = ktimeNs + this.clockOffsetNs;
  }

  private begin(record: TraceRecord): Flow {
    const flow = newFlow(record.flow);
    flow.row.flow = record.flow;
    flow.row.netns = record.netns;
    flow.row.first_at = record.ktimeNs + this.clockOffsetNs;
    flow.row.first_ktime_ns = record.ktimeNs;
    this.open.set(flow.number, flow);
    return flow;
  }

  private handOn(flow: Flow): void {
    const hasAll = flow.hasOriginal && flow.hasReply && flow.wasTold;
    flow.row.complete = !markUnknown(flow.row) && hasAll;
    this.open.delete(flow.number);
    this.ended.delete(flow.number);
    this.sink(flow.row);
  }
}

/** What its status shows was done and no record told of. */
function markUnknown(row: Row): boolean {
  const status = Number(row.status);
  const done = [
    ['confirm', Status.confirmed],
    ['src_nat', Status.srcNatDone],
    ['dst_nat', Status.dstNatDone],
  ] as const;
  const lost = done.filter(([column, bit]) => (status & bit) !== 0 && row[column] === 'none');
  for (const [column] of lost) row[column] = 'unknown';
  return lost.length > 0;
}

function sawState(row: Row, { netns, mark, status, family, l4proto }: TraceRecord): void {
  row.netns = netns;
  row.mark = mark;
  if (status !== 0) row.status = status;
  row.family = family;
  row.protocol = l4proto;
}

function sawDecided(row: Row, flags: number): void {
  if (flags & RecordFlag.flowSrcRule) row.src_nat = 'rule';
  else if (flags & RecordFlag.flowSrcNull) row.src_nat = 'null mapping';
  if (flags & RecordFlag.flowDstRule) row.dst_nat = 'rule';
  else if (flags & RecordFlag.flowDstNull) row.dst_nat = 'null mapping';
}

function sawOlder(row: Row): void {
  if (row.older === true || row.confirm !== 'none') return;
  const status = Number(row.status);
  row.older = true;
  row.confirm = 'older';
  if (row.src_nat === 'none') row.src_nat = olderMapping(status, Status.srcNat, Status.srcNatDone);
  if (row.dst_nat === 'none') row.dst_nat = olderMapping(status, Status.dstNat, Status.dstNatDone);
}

function sawOriginal(flow: Flow, { src, dst, srcPort, dstPort }: Tuple): void {
  Object.assign(flow.row, { src, dst, src_port: srcPort, dst_port: dstPort });
  flow.hasOriginal = true;
}

function sawReply(flow: Flow, { src, dst, srcPort, dstPort }: Tuple): void {
  const reply = { src_reply: src, dst_reply: dst };
  Object.assign(flow.row, { ...reply, src_port_reply: srcPort, dst_port_reply: dstPort });
  flow.hasReply = true;
}

function olderMapping(status: number, natBit: number, doneBit: number): string {
  if (status & natBit) return 'older';
  return status & doneBit ? 'null mapping' : 'none';
}
