/** A drained record as an object: DataView, BigInt, and text for addresses. */
import { RecordKind, record, recordBytes } from '../../../src/wire/layout.ts';

export interface TraceRecord {
  readonly ktimeNs: bigint;
  readonly skb: bigint;
  readonly flow: bigint;
  readonly seq: number;
  readonly netns: number;
  readonly cpu: number;
  readonly kind: number;
  readonly hook: number;
  readonly family: number;
  readonly l4proto: number;
  readonly ctinfo: number;
  readonly verdict: number;
  readonly status: number;
  readonly flags: number;
  readonly mark: number;
  readonly src: string;
  readonly dst: string;
  readonly srcPort: number;
  readonly dstPort: number;
  /** The last 12 bytes, which each kind uses in its own way. */
  readonly detail: Detail;
}

export type Detail =
  | { readonly kind: 'visit'; readonly durationNs: number; readonly len: number; ifindex: number }
  | { readonly kind: 'flow'; readonly zone: number; readonly entry: bigint }
  | { readonly kind: 'mapping'; readonly verdict: number }
  | { readonly kind: 'end'; readonly remaining: number }
  | { readonly kind: 'drop'; readonly reason: number; readonly location: bigint }
  | { readonly kind: 'other' };

export function decodeAll(bytes: Uint8Array): TraceRecord[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const records: TraceRecord[] = [];
  for (let at = 0; at < bytes.length; at += recordBytes) records.push(decode(view, at));
  return records;
}

function decode(view: DataView, at: number): TraceRecord {
  return {
    ktimeNs: view.getBigUint64(at + record.ktimeNs, true),
    skb: view.getBigUint64(at + record.skb, true),
    flow: view.getBigUint64(at + record.flow, true),
    seq: view.getUint32(at + record.seq, true),
    netns: view.getUint32(at + record.netns, true),
    cpu: view.getUint16(at + record.cpu, true),
    kind: view.getUint8(at + record.kind),
    hook: view.getUint8(at + record.hook),
    family: view.getUint8(at + record.family),
    l4proto: view.getUint8(at + record.l4proto),
    ctinfo: view.getUint8(at + record.ctinfo),
    verdict: view.getUint8(at + record.verdict),
    status: view.getUint16(at + record.status, true),
    flags: view.getUint16(at + record.flags, true),
    mark: view.getUint32(at + record.mark, true),
    src: address(view, at + record.src),
    dst: address(view, at + record.dst),
    srcPort: view.getUint16(at + record.srcPort, true),
    dstPort: view.getUint16(at + record.dstPort, true),
    detail: detail(view, at, view.getUint8(at + record.kind)),
  };
}

function detail(view: DataView, at: number, kind: number): Detail {
  switch (kind) {
    case RecordKind.visit:
      return {
        kind: 'visit',
        durationNs: view.getUint32(at + record.visitDurationNs, true),
        len: view.getUint32(at + record.visitLen, true),
        ifindex: view.getUint32(at + record.visitIfindex, true),
      };
    case RecordKind.flow:
      return {
        kind: 'flow',
        zone: view.getUint16(at + record.flowAtZone, true),
        entry: view.getBigUint64(at + record.flowAtEntryLo, true),
      };
    case RecordKind.mapping:
      return { kind: 'mapping', verdict: view.getUint32(at + record.mappingVerdict, true) };
    case RecordKind.end:
      return { kind: 'end', remaining: view.getInt32(at + record.endRemaining, true) };
    case RecordKind.drop:
      return {
        kind: 'drop',
        reason: view.getUint32(at + record.dropReason, true),
        location: view.getBigUint64(at + record.dropLocationLo, true),
      };
    default:
      return { kind: 'other' };
  }
}

/** Dotted for IPv4-mapped addresses, else eight groups in full. */
export function address(view: DataView, at: number): string {
  const isIpv4 =
    view.getBigUint64(at) === 0n &&
    view.getUint16(at + 8) === 0 &&
    view.getUint16(at + 10) === 0xffff;
  if (isIpv4) {
    const octets = [12, 13, 14, 15].map((byte) => view.getUint8(at + byte));
    return octets.join('.');
  }
  const groups = [0, 2, 4, 6, 8, 10, 12, 14].map((byte) => view.getUint16(at + byte).toString(16));
  return groups.join(':');
}
