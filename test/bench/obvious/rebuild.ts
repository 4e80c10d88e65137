/** Records to rows of packets and flows, with an object for everything. */
import { HOOKS, VERDICTS } from '../../../src/model/codes.ts';
import type { TraceFacts } from '../../../src/model/facts.ts';
import { RecordFlag, RecordKind } from '../../../src/wire/layout.ts';
import { writeFlow } from './decisions.ts';
import { ObviousFlows } from './flows.ts';
import { ObviousPackets } from './packets.ts';
import type { Detail, TraceRecord } from './record.ts';
import { increase, type Packet, type Row } from './rows.ts';

/** src/rebuild looks for what is finished every so many records; the order of rows follows. */
const EXPIRE_EVERY = 64;

export interface ObviousSinks {
  packet(row: Row): void;
  flow(row: Row): void;
}

type Visit = Extract<Detail, { kind: 'visit' }>;

export class ObviousRebuild {
  private readonly packets: ObviousPackets;
  private readonly flows: ObviousFlows;
  private readonly facts: TraceFacts;
  private readonly clockOffsetNs: bigint;
  private readonly symbol: (address: bigint) => string;
  /** Per CPU: the tuple as it entered, the next sequence number, when one was missing. */
  private readonly entered = new Map<number, TraceRecord>();
  private readonly nextSeq = new Map<number, number>();
  private readonly gapNs = new Map<number, bigint>();
  private count = 0;

  constructor(facts: TraceFacts, symbol: (address: bigint) => string, sinks: ObviousSinks) {
    this.facts = facts;
    this.symbol = symbol;
    this.clockOffsetNs = BigInt(facts.clockOffsetNs);
    this.flows = new ObviousFlows(this.clockOffsetNs, (row) => sinks.flow(row));
    this.packets = new ObviousPackets(this.flows, (row) => sinks.packet(row));
  }

  record(record: TraceRecord): void {
    const { cpu, seq } = record;
    if (seq !== (this.nextSeq.get(cpu) ?? 0)) this.gapNs.set(cpu, record.ktimeNs);
    this.nextSeq.set(cpu, seq + 1);
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
      case RecordKind.visit:
        this.sawVisit(record);
        break;
      case RecordKind.entered:
        this.entered.set(record.cpu, record);
        break;
      case RecordKind.flow:
        this.flows.sawTuple(record);
        break;
      case RecordKind.mapping:
        this.flows.sawMapping(record);
        break;
      case RecordKind.confirm:
        this.flows.sawConfirm(record);
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

  private sawVisit(record: TraceRecord): void {
    const { detail } = record;
    if (detail.kind !== 'visit') return;
    const hook = HOOKS[record.hook]!;
    const enterNs = record.ktimeNs - BigInt(detail.durationNs);
    const packet = this.packets.visited(record, hook, detail.ifindex, enterNs);
    const before = this.tupleBefore(record);
    if (!packet.wasVisited) this.begin(packet, record, before ?? record, detail, enterNs);
    const hasGap = packet.startedNs < (this.gapNs.get(record.cpu) ?? 0n);
    if (hasGap || before === undefined) packet.isTorn = true;
    this.writeHook(packet, record, detail, enterNs);
    writeState(packet, record);
    writeTuple(packet.row, record, before);
    writeFlow(packet, record, this.flows, enterNs);
    this.packets.touch(packet, record.ktimeNs);
  }

  /** Where the visit changed the tuple, the record before it has the one that entered. */
  private tupleBefore(record: TraceRecord): TraceRecord | undefined {
    if ((record.flags & RecordFlag.visitRewritten) === 0) return record;
    const entered = this.entered.get(record.cpu);
    return entered?.skb === record.skb && entered.seq === record.seq - 1 ? entered : undefined;
  }

  private begin(
    packet: Packet,
    record: TraceRecord,
    { src, dst, srcPort, dstPort }: TraceRecord,
    { len }: Visit,
    enterNs: bigint,
  ): void {
    const { netns, cpu, family, l4proto } = record;
    const isStart = HOOKS[record.hook] === 'prerouting' || HOOKS[record.hook] === 'output';
    packet.wasVisited = true;
    if (!isStart && record.flags & RecordFlag.visitHadEntry) packet.isTorn = true;
    Object.assign(packet.row, { netns, cpu, family, protocol: l4proto, length: len });
    Object.assign(packet.row, { src, dst, src_port: srcPort, dst_port: dstPort });
    packet.row.started_at = enterNs + this.clockOffsetNs;
    packet.row.started_ktime_ns = enterNs;
    packet.startedNs = enterNs;
  }

  private writeHook({ row }: Packet, record: TraceRecord, visit: Visit, enterNs: bigint): void {
    const hook = HOOKS[record.hook]!;
    const didChainsRun = (record.flags & RecordFlag.visitChainsRan) !== 0;
    row[`${hook}_at`] = enterNs + this.clockOffsetNs;
    row[`${hook}_ns`] = visit.durationNs;
    row[`${hook}_chains`] = didChainsRun;
    row[`${hook}_rewritten`] = (record.flags & RecordFlag.visitRewritten) !== 0;
    row.last_hook = hook;
    row.verdict = VERDICTS[record.verdict]!;
    row.mark = record.mark;
    const comesIn = hook === 'prerouting' || hook === 'input';
    if (visit.ifindex !== 0) row[comesIn ? 'in_ifindex' : 'out_ifindex'] = visit.ifindex;
    if (didChainsRun) increase(row, 'chain_runs', 1);
  }
}

const STATES = ['established', 'related', 'new', 'established', 'related'] as const;
const CTINFO_UNTRACKED = 7;

function writeState(packet: Packet, { ctinfo, flags }: TraceRecord): void {
  if (flags & RecordFlag.visitConntrackRan) packet.wasTracked = true;
  const isUntracked = ctinfo === CTINFO_UNTRACKED;
  const without = isUntracked ? 'untracked' : packet.wasTracked ? 'invalid' : 'none';
  packet.row.state = STATES[ctinfo] ?? without;
  if (ctinfo < STATES.length) packet.row.direction = ctinfo > 2 ? 'reply' : 'original';
}

function writeTuple(row: Row, record: TraceRecord, before: TraceRecord | undefined): void {
  const { src, dst, srcPort, dstPort } = record;
  const isSrcNew = before?.src !== src || before.srcPort !== srcPort;
  const isDstNew = before?.dst !== dst || before.dstPort !== dstPort;
  const decision = before === undefined ? 'unknown' : 'mapping';
  if (isSrcNew && row.src_nat === 'none') row.src_nat = decision;
  if (isDstNew && row.dst_nat === 'none') row.dst_nat = decision;
  const ports = { src_port_after: srcPort, dst_port_after: dstPort };
  Object.assign(row, { src_after: src, dst_after: dst, ...ports });
}
