/** Packets as objects: a Map by sk_buff of those that may still change, in the order of first sight. */
import { HOOKS, type HookName } from '../../../src/model/codes.ts';
import { LINGER_NS, placeOf } from '../../../src/rebuild/packet-rows.ts';
import { RecordFlag } from '../../../src/wire/layout.ts';
import type { TraceRecord, Traversal } from './record.ts';
import { newPacket, type Packet, type Row } from './rows.ts';

const RANK: Readonly<Record<HookName, number>> = {
  prerouting: 0,
  output: 0,
  forward: 1,
  input: 2,
  postrouting: 2,
};

export class ObviousPackets {
  private readonly bySkb = new Map<bigint, Packet>();
  /** conntrail finds one packet for each place of its table: the same ones are found here. */
  private readonly byPlace = new Map<number, bigint>();
  private readonly waiting: Packet[] = [];
  private readonly sink: (row: Row) => void;
  private seen = 0n;

  constructor(sink: (row: Row) => void) {
    this.sink = sink;
  }

  /** The packet whose next visits these are. */
  continued(record: TraceRecord, traversal: Traversal): Packet | undefined {
    const packet = this.find(record);
    return packet !== undefined && continues(packet, record, traversal) ? packet : undefined;
  }

  begin(skb: bigint): Packet {
    const packet = newPacket(skb);
    packet.row.packet = ++this.seen;
    const place = placeOf(Number(BigInt.asIntN(32, skb)));
    const before = this.byPlace.get(place);
    if (before !== undefined) this.bySkb.delete(before);
    this.byPlace.set(place, skb);
    this.bySkb.set(skb, packet);
    this.waiting.push(packet);
    return packet;
  }

  dropped(record: TraceRecord, reason: string, location: string): void {
    const packet = this.find(record);
    if (packet === undefined || record.detail.kind !== 'drop') return;
    const { row, isTorn } = packet;
    const { src, dst } = record.detail.tuple;
    if (row.drop_reason !== null || row.netns !== record.netns) return;
    if ((row.flow ?? 0n) !== record.flow) return;
    if (!isTorn && (row.src_after !== src || row.dst_after !== dst)) return;
    row.drop_reason = reason;
    row.drop_location = location;
    row.complete = !isTorn;
  }

  expire(nowNs: bigint): void {
    let settled = 0;
    while (settled < this.waiting.length && isOld(this.waiting[settled]!, nowNs)) settled++;
    for (const packet of this.waiting.splice(0, settled)) this.handOn(packet);
  }

  finish(): void {
    for (const packet of this.waiting) this.handOn(packet);
  }

  private handOn(packet: Packet): void {
    if (this.bySkb.get(packet.skb) === packet) this.bySkb.delete(packet.skb);
    this.sink(packet.row);
  }

  private find({ skb, ktimeNs }: TraceRecord): Packet | undefined {
    const packet = this.bySkb.get(skb);
    return packet === undefined || isOld(packet, ktimeNs) ? undefined : packet;
  }
}

function isOld({ lastNs }: Packet, nowNs: bigint): boolean {
  return lastNs + BigInt(LINGER_NS) < nowNs;
}

function continues({ row }: Packet, record: TraceRecord, traversal: Traversal): boolean {
  if (row.netns !== record.netns || row.verdict === 'drop' || row.drop_reason !== null)
    return false;
  const hook = HOOKS[traversal.visits[0]!.hook]!;
  if (row[`${hook}_at`] !== null) return false;
  if (row.flow !== null && row.flow !== record.flow) return false;
  const last = row.last_hook as HookName;
  if (hook !== 'prerouting') return RANK[hook] > RANK[last];
  const hadEntry = (record.flags & RecordFlag.packetHadEntry) !== 0;
  return last === 'postrouting' && hadEntry && row.out_ifindex === traversal.inIfindex;
}
