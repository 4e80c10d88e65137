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
  /** What each kind has for itself. */
  readonly detail: Detail;
}

export interface Tuple {
  readonly src: string;
  readonly dst: string;
  readonly srcPort: number;
  readonly dstPort: number;
}

export interface Visit {
  readonly hook: number;
  readonly enteredNs: number;
  /** Undefined: not seen. */
  readonly leftNs: number | undefined;
}

export interface Traversal {
  readonly kind: 'traversal';
  readonly startedNs: bigint;
  readonly visits: readonly Visit[];
  readonly seen: number;
  readonly len: number;
  readonly inIfindex: number;
  readonly outIfindex: number;
}

export type Detail =
  | Traversal
  | { readonly kind: 'tuple'; readonly tuple: Tuple }
  | {
      readonly kind: 'flow';
      readonly tuple: Tuple;
      readonly zone: number;
      readonly entry: bigint;
      readonly firstNs: bigint;
    }
  | { readonly kind: 'end'; readonly tuple: Tuple; readonly remaining: number }
  | {
      readonly kind: 'drop';
      readonly tuple: Tuple;
      readonly reason: number;
      readonly location: bigint;
    };

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
    detail: detail(view, at, view.getUint8(at + record.kind)),
  };
}

function detail(view: DataView, at: number, kind: number): Detail {
  if (kind === RecordKind.traversal) return traversal(view, at);
  const tuple = {
    src: address(view, at + record.src),
    dst: address(view, at + record.dst),
    srcPort: view.getUint16(at + record.srcPort, true),
    dstPort: view.getUint16(at + record.dstPort, true),
  };
  switch (kind) {
    case RecordKind.flow:
      return {
        kind: 'flow',
        tuple,
        zone: view.getUint16(at + record.zone, true),
        entry: view.getBigUint64(at + record.entry, true),
        firstNs: view.getBigUint64(at + record.firstNs, true),
      };
    case RecordKind.end:
      return { kind: 'end', tuple, remaining: view.getInt32(at + record.remaining, true) };
    case RecordKind.drop:
      return {
        kind: 'drop',
        tuple,
        reason: view.getUint32(at + record.reason, true),
        location: view.getBigUint64(at + record.location, true),
      };
    default:
      return { kind: 'tuple', tuple };
  }
}

function traversal(view: DataView, at: number): Traversal {
  const times = [0, 1, 2, 3, 4].map((n) => view.getUint32(at + record.traversalAt + n * 4, true));
  const count = view.getUint8(at + record.traversalVisits);
  const visits = Array.from({ length: count }, (_, visit) => ({
    hook: view.getUint8(at + record.traversalHooks + visit),
    enteredNs: visit === 0 ? 0 : times[visit * 2 - 1]!,
    leftNs: times[visit * 2] || undefined,
  }));
  return {
    kind: 'traversal',
    startedNs: view.getBigUint64(at + record.traversalStartedNs, true),
    visits,
    seen: view.getUint32(at + record.traversalSeen, true),
    len: view.getUint32(at + record.traversalLen, true),
    inIfindex: view.getUint32(at + record.traversalInIfindex, true),
    outIfindex: view.getUint32(at + record.traversalOutIfindex, true),
  };
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
