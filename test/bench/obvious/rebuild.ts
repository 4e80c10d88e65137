/** Records to rows of packets and flows, with an object for everything. */
import { HOOKS, VERDICTS } from '../../../src/model/codes.ts';
import type { TraceFacts } from '../../../src/model/facts.ts';
import { RecordFlag, RecordKind, Seen } from '../../../src/wire/layout.ts';
import { countedOf, countIn, writeComplete, writeDecisions } from './decisions.ts';
import { ObviousFlows } from './flows.ts';
import { ObviousPackets } from './packets.ts';
import type { TraceRecord, Traversal } from './record.ts';
import { increase, type Packet, type Row } from './rows.ts';
import { ObviousTuples } from './tuples.ts';

/** src/rebuild looks for what is finished every so many records; the order of rows follows. */
const EXPIRE_EVERY = 256;

export interface ObviousSinks {
  packet(row: Row): void;
  flow(row: Row): void;
}

export class ObviousRebuild {
  private readonly packets: ObviousPackets;
  private readonly flows: ObviousFlows;
  private readonly tuples = new ObviousTuples();
  private readonly facts: TraceFacts;
  private readonly clockOffsetNs: bigint;
  private readonly symbol: (address: bigint) => string;
  private count = 0;

  constructor(facts: TraceFacts, symbol: (address: bigint) => string, sinks: ObviousSinks) {
    this.facts = facts;
    this.symbol = symbol;
    this.clockOffsetNs = BigInt(facts.clockOffsetNs);
    this.flows = new ObviousFlows(this.clockOffsetNs, (row) => sinks.flow(row));
    this.packets = new ObviousPackets((row) => sinks.packet(row));
  }

  record(record: TraceRecord): void {
    this.dispatch(record);
    if (++this.count % EXPIRE_EVERY !== 0) return;
    this.packets.expire(record.ktimeNs);
    this.flows.expire(record.ktimeNs);
  }

  finish(): void {
    this.packets.finish();
    this.flows.finish();
  }

  private dispatch(record: TraceRecord): void {
    switch (record.kind) {
      case RecordKind.traversal:
        this.sawTraversal(record);
        break;
      case RecordKind.came:
      case RecordKind.left:
        this.tuples.keep(record);
        break;
      case RecordKind.flow:
        this.flows.sawTuple(record);
        break;
      case RecordKind.end:
        this.flows.sawEnd(record);
        break;
      case RecordKind.drop:
        this.sawDrop(record);
        break;
    }
  }

  private sawDrop(record: TraceRecord): void {
    if (record.detail.kind !== 'drop') return;
    const { reason, location } = record.detail;
    const words = this.facts.dropReasons[reason] ?? String(reason);
    this.packets.dropped(record, words, this.symbol(location));
  }

  private sawTraversal(record: TraceRecord): void {
    const { detail } = record;
    if (detail.kind !== 'traversal') return;
    const packet = this.packets.continued(record, detail) ?? this.begin(record, detail);
    const { row } = packet;
    const before = countedOf(row);
    const flow = this.flows.of(record);
    this.writeVisits(packet, record, detail);
    const left = this.tuples.left(record, row, flow);
    if (left !== null && left !== undefined) {
      Object.assign(row, { src_after: left.src, dst_after: left.dst });
      Object.assign(row, { src_port_after: left.srcPort, dst_port_after: left.dstPort });
    }
    if (left === undefined) packet.isTorn = true;
    writeDecisions(packet, detail, left);
    writeComplete(packet, record);
    packet.lastNs = record.ktimeNs;
    if (flow !== undefined) countIn(flow, packet, record, before);
  }

  private begin(record: TraceRecord, traversal: Traversal): Packet {
    const { netns, cpu, family, l4proto, flags } = record;
    const packet = this.packets.begin(record.skb);
    const { row } = packet;
    const [length, segments] = [traversal.len & 0xf_ffff, Math.max(1, traversal.len >>> 20)];
    Object.assign(row, { netns, cpu, family, protocol: l4proto, length, segments });
    row.started_at = traversal.startedNs + this.clockOffsetNs;
    row.started_ktime_ns = traversal.startedNs;
    const came = this.tuples.came(record, this.flows.of(record));
    if (came === undefined) {
      packet.isNameless = true;
      packet.isTorn = true;
    } else {
      const { src, dst, srcPort, dstPort } = came;
      Object.assign(row, { src, dst, src_port: srcPort, dst_port: dstPort });
      const after = { src_port_after: srcPort, dst_port_after: dstPort };
      Object.assign(row, { src_after: src, dst_after: dst, ...after });
    }
    const hook = HOOKS[traversal.visits[0]!.hook]!;
    const isMidway = hook !== 'prerouting' && hook !== 'output';
    if (isMidway && flags & RecordFlag.packetHadEntry) packet.isTorn = true;
    return packet;
  }

  private writeVisits({ row }: Packet, record: TraceRecord, traversal: Traversal): void {
    const { startedNs, visits, seen, inIfindex, outIfindex } = traversal;
    for (const { hook, enteredNs, leftNs } of visits) {
      const name = HOOKS[hook]!;
      row[`${name}_at`] = startedNs + BigInt(enteredNs) + this.clockOffsetNs;
      if (leftNs !== undefined) row[`${name}_ns`] = leftNs - enteredNs;
      row[`${name}_chains`] = ((seen >>> (Seen.chains + hook)) & 1) === 1;
      row[`${name}_rewritten`] = ((seen >>> (Seen.rewritten + hook)) & 1) === 1;
      if (row[`${name}_chains`]) increase(row, 'chain_runs', 1);
      if ((seen >>> (Seen.queued + hook)) & 1) row.queued_hook = name;
      row.last_hook = name;
    }
    if (inIfindex !== 0 && HOOKS[visits[0]!.hook] !== 'output') row.in_ifindex = inIfindex;
    if (outIfindex !== 0) row.out_ifindex = outIfindex;
    row.verdict = VERDICTS[record.verdict]!;
    row.mark = record.mark;
    writeState(row, record);
  }
}

const STATES = ['established', 'related', 'new', 'established', 'related'] as const;
const CTINFO_UNTRACKED = 7;

function writeState(row: Row, { ctinfo, flags }: TraceRecord): void {
  const isUntracked = ctinfo === CTINFO_UNTRACKED;
  const wasTracked = (flags & RecordFlag.packetConntrackRan) !== 0;
  const without = isUntracked ? 'untracked' : wasTracked ? 'invalid' : 'none';
  row.state = STATES[ctinfo] ?? without;
  if (ctinfo < STATES.length) row.direction = ctinfo > 2 ? 'reply' : 'original';
}
