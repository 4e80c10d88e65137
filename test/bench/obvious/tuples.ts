/** The tuples of a packet: its entry's, or those of the records right before its traversal. */
import { RecordFlag, RecordKind } from '../../../src/wire/layout.ts';
import { isReply } from './decisions.ts';
import type { TraceRecord, Tuple } from './record.ts';
import type { Flow, Row } from './rows.ts';

const ICMP = [1, 58];

export class ObviousTuples {
  /** By CPU: the last record of kind came, the last of kind left. */
  private readonly camePerCpu = new Map<number, TraceRecord>();
  private readonly leftPerCpu = new Map<number, TraceRecord>();

  keep(record: TraceRecord): void {
    const kept = record.kind === RecordKind.came ? this.camePerCpu : this.leftPerCpu;
    kept.set(record.cpu, record);
  }

  /** Undefined where it is not known. */
  came(record: TraceRecord, flow: Flow | undefined): Tuple | undefined {
    if ((record.flags & RecordFlag.packetCameAsFlow) === 0) return keptOf(this.camePerCpu, record);
    return flow === undefined ? undefined : tupleOf(flow, isReply(record));
  }

  /** Null where the visits left it as it was. */
  left(record: TraceRecord, row: Row, flow: Flow | undefined): Tuple | null | undefined {
    if (record.flags & RecordFlag.packetLeftAsCame) return null;
    if ((record.flags & RecordFlag.packetLeftAsMapped) === 0)
      return keptOf(this.leftPerCpu, record);
    const other = flow === undefined ? undefined : tupleOf(flow, !isReply(record));
    if (other === undefined) return undefined;
    const { src, dst, srcPort, dstPort } = other;
    const isIcmp = ICMP.includes(Number(row.protocol));
    return isIcmp
      ? { src: dst, dst: src, srcPort, dstPort: Number(row.dst_port) }
      : { src: dst, dst: src, srcPort: dstPort, dstPort: srcPort };
  }
}

function keptOf(kept: Map<number, TraceRecord>, record: TraceRecord): Tuple | undefined {
  const before = kept.get(record.cpu);
  if (before === undefined || before.skb !== record.skb) return undefined;
  const distance = record.seq - before.seq;
  if (distance < 1 || distance > 2 || before.detail.kind !== 'tuple') return undefined;
  return before.detail.tuple;
}

function tupleOf({ row, hasOriginal, hasReply }: Flow, isReplyTuple: boolean): Tuple | undefined {
  if (!(isReplyTuple ? hasReply : hasOriginal)) return undefined;
  const of = isReplyTuple ? '_reply' : '';
  return {
    src: String(row[`src${of}`]),
    dst: String(row[`dst${of}`]),
    srcPort: Number(row[`src_port${of}`]),
    dstPort: Number(row[`dst_port${of}`]),
  };
}
