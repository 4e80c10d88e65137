/** Packets as objects in Maps by sk_buff: those under way, those at their end. */
import type { ObviousFlows } from './flows.ts';
import type { TraceRecord } from './record.ts';
import { newPacket, type Packet, type Row } from './rows.ts';

const LINGER_CLOSING_NS = 10_000_000n;
const LINGER_OPEN_NS = 4_000_000_000n;

const FOLLOWS: Readonly<Record<string, readonly string[]>> = {
  prerouting: ['input', 'forward', 'postrouting'],
  input: [],
  forward: ['postrouting'],
  output: ['postrouting'],
  postrouting: [],
};

export class ObviousPackets {
  private readonly open = new Map<bigint, Packet>();
  private readonly closing = new Map<bigint, Packet>();
  private readonly sink: (row: Row) => void;
  private ended = 0n;

  private readonly flows: ObviousFlows;

  constructor(flows: ObviousFlows, sink: (row: Row) => void) {
    this.flows = flows;
    this.sink = sink;
  }

  /** The packet of a visit; whoever had its sk_buff before is handed on. */
  visited(record: TraceRecord, hook: string, ifindex: number, enterNs: bigint): Packet {
    const packet = this.find(record.skb);
    if (packet === undefined) return newPacket(record.skb);
    const isDropOfThis = packet.droppedNs !== undefined && packet.droppedNs >= enterNs;
    const isSame = packet.wasVisited
      ? (packet.droppedNs === undefined || isDropOfThis) &&
        this.continues(packet, record, hook, ifindex)
      : isDropOfThis;
    if (isSame) {
      packet.isDropForeign = false;
      return packet;
    }
    const fresh = newPacket(record.skb);
    if (isDropOfThis) moveDrop(packet, fresh);
    this.handOn(packet);
    return fresh;
  }

  dropped(record: TraceRecord, reason: string, location: string): void {
    let packet = this.find(record.skb) ?? newPacket(record.skb);
    const isElsewhere =
      packet.wasVisited && record.netns !== 0 && packet.row.netns !== record.netns;
    if (packet.droppedNs !== undefined || isElsewhere) {
      this.handOn(packet);
      packet = newPacket(record.skb);
    }
    packet.row.drop_reason = reason;
    packet.row.drop_location = location;
    packet.droppedNs = record.ktimeNs;
    packet.isDropForeign = packet.wasVisited && !leftAs(packet.row, record);
    this.touch(packet, record.ktimeNs);
  }

  /** A record about it was seen: now it is the youngest. */
  touch(packet: Packet, nowNs: bigint): void {
    packet.lastNs = nowNs;
    this.open.delete(packet.skb);
    this.closing.delete(packet.skb);
    (isAtEnd(packet) ? this.closing : this.open).set(packet.skb, packet);
  }

  expire(nowNs: bigint): void {
    this.expireOf(this.closing, nowNs - LINGER_CLOSING_NS);
    this.expireOf(this.open, nowNs - LINGER_OPEN_NS);
  }

  finish(): void {
    for (const packet of this.closing.values()) this.handOn(packet);
    for (const packet of this.open.values()) this.handOn(packet);
  }

  private find(skb: bigint): Packet | undefined {
    return this.closing.get(skb) ?? this.open.get(skb);
  }

  /** Is this the packet's next visit, or that of another packet at the same address? */
  private continues(packet: Packet, record: TraceRecord, hook: string, ifindex: number): boolean {
    const { row } = packet;
    const isOther = row.netns !== record.netns || row.verdict === 'drop';
    if (isOther || row[`${hook}_at`] !== null) return false;
    if (FOLLOWS[String(row.last_hook)]!.includes(hook)) {
      const number = row.flow as bigint | null;
      if (number === null || number === record.flow) return true;
      return this.flows.find(number)?.row.confirm === 'merged';
    }
    const isLoop = row.last_hook === 'postrouting' && hook === 'prerouting';
    return isLoop && row.out_ifindex === ifindex && (row.flow ?? 0n) === record.flow;
  }

  private expireOf(packets: Map<bigint, Packet>, beforeNs: bigint): void {
    for (const packet of packets.values()) {
      if (packet.lastNs >= beforeNs) return;
      this.handOn(packet);
    }
  }

  private handOn(packet: Packet): void {
    this.open.delete(packet.skb);
    this.closing.delete(packet.skb);
    if (!packet.wasVisited) return;
    if (packet.isDropForeign) forgetDrop(packet);
    packet.row.packet = ++this.ended;
    packet.row.complete = !packet.isTorn && isWhole(packet);
    this.sink(packet.row);
  }
}

function moveDrop(from: Packet, to: Packet): void {
  to.row.drop_reason = from.row.drop_reason!;
  to.row.drop_location = from.row.drop_location!;
  to.droppedNs = from.droppedNs;
  forgetDrop(from);
}

function forgetDrop(packet: Packet): void {
  packet.row.drop_reason = null;
  packet.row.drop_location = null;
  packet.droppedNs = undefined;
  packet.isDropForeign = false;
}

/** Is the record's tuple the one that the packet left its last visit with? */
function leftAs(row: Row, record: TraceRecord): boolean {
  return (
    row.protocol === record.l4proto &&
    row.src_after === record.src &&
    row.dst_after === record.dst &&
    row.src_port_after === record.srcPort &&
    row.dst_port_after === record.dstPort
  );
}

function isAtEnd({ row, droppedNs }: Packet): boolean {
  if (droppedNs !== undefined || row.verdict === 'drop') return true;
  return row.verdict === 'accept' && (row.last_hook === 'input' || row.last_hook === 'postrouting');
}

function isWhole(packet: Packet): boolean {
  if (isAtEnd(packet)) return true;
  return packet.row.verdict === 'stolen' || !packet.wasTracked;
}
