/** Flows as objects in Maps by number: those that are open, those that have ended. */
import { Status } from '../../../src/model/codes.ts';
import { RecordFlag } from '../../../src/wire/layout.ts';
import type { TraceRecord } from './record.ts';
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

  /** The flow that a record names, now the youngest in its Map. */
  of(record: TraceRecord): Flow | undefined {
    if (record.flow === 0n) return undefined;
    const flow = this.find(record.flow) ?? this.begin(record);
    const home = this.ended.has(record.flow) ? this.ended : this.open;
    home.delete(flow.number);
    home.set(flow.number, flow);
    flow.lastNs = record.ktimeNs;
    return flow;
  }

  sawTuple(record: TraceRecord): void {
    const flow = this.of(record);
    if (flow === undefined || record.detail.kind !== 'flow') return;
    const { row } = flow;
    sawState(row, record);
    row.zone = record.detail.zone;
    row.entry = record.detail.entry;
    flow.wasTold = true;
    if (record.flags & RecordFlag.flowReply) sawReply(flow, record);
    else sawOriginal(flow, record);
    const isOlder = (record.flags & RecordFlag.flowNew) === 0 && row.confirm === 'none';
    if (!isOlder || row.older === true) return;
    row.older = true;
    row.confirm = 'older';
    row.src_nat = olderMapping(Number(row.status), Status.srcNat, Status.srcNatDone);
    row.dst_nat = olderMapping(Number(row.status), Status.dstNat, Status.dstNatDone);
  }

  sawMapping(record: TraceRecord): void {
    const flow = this.of(record);
    if (flow === undefined || record.detail.kind !== 'mapping') return;
    if (record.detail.verdict !== 1) return;
    const end = record.flags & RecordFlag.mappingSrc ? 'src' : 'dst';
    flow.mappedNs[end] = record.ktimeNs;
    flow.row[`${end}_nat`] = record.flags & RecordFlag.mappingNull ? 'null mapping' : 'rule';
    sawState(flow.row, record);
    sawReply(flow, record);
  }

  sawConfirm(record: TraceRecord): void {
    const flow = this.of(record);
    if (flow === undefined) return;
    flow.confirmNs = record.ktimeNs;
    if (record.flags & RecordFlag.confirmMerged) {
      flow.row.confirm = 'merged';
      return;
    }
    flow.row.confirm = record.verdict === 1 ? 'inserted' : 'refused';
    sawState(flow.row, record);
    sawReply(flow, record);
    if (record.verdict === 1) flow.row.confirmed_at = record.ktimeNs + this.clockOffsetNs;
  }

  sawEnd(record: TraceRecord): void {
    const flow = this.of(record);
    if (flow === undefined || record.detail.kind !== 'end') return;
    sawState(flow.row, record);
    sawOriginal(flow, record);
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

  private begin(record: TraceRecord): Flow {
    const flow = newFlow(record.flow);
    flow.row.flow = record.flow;
    flow.row.netns = record.netns;
    flow.row.first_at = record.ktimeNs + this.clockOffsetNs;
    flow.row.first_ktime_ns = record.ktimeNs;
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
  if (row.older === true) return false;
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

function sawOriginal(flow: Flow, { src, dst, srcPort, dstPort }: TraceRecord): void {
  Object.assign(flow.row, { src, dst, src_port: srcPort, dst_port: dstPort });
  flow.hasOriginal = true;
}

function sawReply(flow: Flow, { src, dst, srcPort, dstPort }: TraceRecord): void {
  const reply = { src_reply: src, dst_reply: dst };
  Object.assign(flow.row, { ...reply, src_port_reply: srcPort, dst_port_reply: dstPort });
  flow.hasReply = true;
}

function olderMapping(status: number, natBit: number, doneBit: number): string {
  if (status & natBit) return 'older';
  return status & doneBit ? 'null mapping' : 'none';
}
