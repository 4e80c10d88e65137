/** Records of flows by number, as the probes would send them. */
import { Hook, Status, Verdict } from '../../../src/model/codes.ts';
import {
  ConfirmCode,
  Ctinfo,
  RecordFlag,
  RecordKind,
  record,
  recordBytes,
  Seen,
} from '../../../src/wire/layout.ts';
import { type Endpoint, type NatRules, NETNS, ruleWords } from './rules.ts';

export const CPUS = 4;
const ROUTER = 0xcb007101; // 203.0.113.1
const ELSEWHERE = 0xc6336400; // 198.51.100.0
const CTINFO = { original: 0, first: 2, reply: 3 } as const;
const TCP = 6;
const STEP_NS = 997n;

/** forwarded: to an endpoint and masqueraded. outgoing: masqueraded. local: to this machine. */
export type FlowKind = 'forwarded' | 'outgoing' | 'local';

/** One flow in eight leaves without an endpoint, one in sixteen ends here. */
export function kindOf(flow: number): FlowKind {
  if (flow % 16 === 7) return 'local';
  return flow % 8 === 3 ? 'outgoing' : 'forwarded';
}

export function endpointOf({ endpoints }: NatRules, flow: number): Endpoint {
  return endpoints[(flow * 7919) % endpoints.length]!;
}

interface Tuple {
  readonly src: number;
  readonly dst: number;
  readonly srcPort: number;
  readonly dstPort: number;
}

/** Writes into one buffer, record after record; the times go on by themselves. */
export class Records {
  readonly bytes: Buffer;
  length = 0;
  nowNs: bigint;
  /** By CPU and kind. */
  readonly sent = new Uint32Array(CPUS * RecordKind.kinds);
  private readonly rules: NatRules;
  private readonly seqs = new Uint32Array(CPUS);

  constructor(rules: NatRules, room: number, startNs: bigint) {
    this.rules = rules;
    this.bytes = Buffer.alloc(room * recordBytes);
    this.nowNs = startNs;
  }

  /** Both tuples and who decided, when the entry is confirmed. */
  begin(flow: number): void {
    const kind = kindOf(flow);
    const { original, reply } = this.tuplesOf(flow, kind);
    const flags = RecordFlag.flowNew | RecordFlag.flowConfirmRan | (decidedOf(kind) << 4);
    const at = this.tuples(flow, original, reply);
    this.bytes.writeUInt16LE(flags | RecordFlag.flowRules | RecordFlag.flowBoth, at + record.flags);
    const { handles } = endpointOf(this.rules, flow);
    if (kind !== 'local') this.rule(at + record.srcRule, this.rules.masquerade, Hook.postrouting);
    else this.bytes.fill(0, at + record.srcRule, at + record.srcRule + 8);
    if (kind === 'forwarded') this.rule(at + record.dstRule, handles.at(-1)!, Hook.prerouting);
  }

  packet(flow: number, place: number): void {
    const kind = kindOf(flow);
    const isReply = place % 2 === 1;
    const at = this.next(RecordKind.traversal, flow);
    const { bytes } = this;
    const hooks = hooksOf(kind, isReply);
    const isFirst = place === 0;
    const isMapped = kind !== 'local';
    bytes.writeUInt32LE(((flow * 64) & 0xffffff00) >>> 0, at + record.skb);
    bytes.writeUInt32LE(0xffff8888, at + record.skb + 4);
    bytes[at + record.ctinfo] = isFirst ? CTINFO.first : isReply ? CTINFO.reply : CTINFO.original;
    bytes[at + record.hook] = hooks.at(-1)!;
    const left = isMapped ? RecordFlag.packetLeftAsMapped : RecordFlag.packetLeftAsCame;
    const flags = RecordFlag.packetConntrackRan | RecordFlag.packetCameAsFlow | left;
    bytes.writeUInt16LE(flags, at + record.flags);
    this.visits(at, hooks, 800 + ((flow * 31 + place * 17) % 4096));
    bytes.writeUInt32LE(seenOf(kind, hooks, isReply, isFirst), at + record.traversalSeen);
    bytes.writeUInt32LE(52 + ((flow + place * 13) % 1449), at + record.traversalLen);
    const [came, goes] = isReply ? [3, 2] : [2, 3];
    bytes.writeUInt32LE(hooks[0] === Hook.output ? 0 : came, at + record.traversalInIfindex);
    bytes.writeUInt32LE(hooks.at(-1) === Hook.input ? 0 : goes, at + record.traversalOutIfindex);
  }

  end(flow: number): void {
    const { original } = this.tuplesOf(flow, kindOf(flow));
    const at = this.next(RecordKind.end, flow);
    this.writeTuple(at, original);
    this.bytes.writeUInt16LE(RecordFlag.endDeleted, at + record.flags);
  }

  private tuplesOf(flow: number, kind: FlowKind): { original: Tuple; reply: Tuple } {
    const src = 0x0a000000 + flow;
    const srcPort = 32768 + ((flow * 977) % 28232);
    if (kind === 'local') {
      const original = { src, dst: ROUTER, srcPort, dstPort: 22 };
      return { original, reply: { src: ROUTER, dst: src, srcPort: 22, dstPort: srcPort } };
    }
    const mapped = { dst: ROUTER, dstPort: 1024 + (flow % 64512) };
    if (kind === 'outgoing') {
      const dst = ELSEWHERE + (flow % 250);
      return {
        original: { src, dst, srcPort, dstPort: 443 },
        reply: { src: dst, srcPort: 443, ...mapped },
      };
    }
    const { address, port, to, toPort } = endpointOf(this.rules, flow);
    return {
      original: { src, dst: address, srcPort, dstPort: port },
      reply: { src: to, srcPort: toPort, ...mapped },
    };
  }

  private tuples(flow: number, original: Tuple, reply: Tuple): number {
    const at = this.next(RecordKind.flow, flow);
    const { bytes } = this;
    bytes.writeUInt32BE(original.src >>> 0, at + record.bothSrc);
    bytes.writeUInt32BE(original.dst >>> 0, at + record.bothDst);
    bytes.writeUInt32BE(reply.src >>> 0, at + record.bothSrcReply);
    bytes.writeUInt32BE(reply.dst >>> 0, at + record.bothDstReply);
    bytes.writeUInt16LE(original.srcPort, at + record.srcPort);
    bytes.writeUInt16LE(original.dstPort, at + record.dstPort);
    bytes.writeUInt16LE(reply.srcPort, at + record.bothSrcPortReply);
    bytes.writeUInt16LE(reply.dstPort, at + record.bothDstPortReply);
    bytes.writeUInt32LE(2000, at + record.bothSinceFirstNs);
    return at;
  }

  private writeTuple(at: number, { src, dst, srcPort, dstPort }: Tuple): void {
    for (const [place, address] of [
      [record.src, src],
      [record.dst, dst],
    ] as const) {
      this.bytes.writeUInt16LE(0xffff, at + place + 10);
      this.bytes.writeUInt32BE(address >>> 0, at + place + 12);
    }
    this.bytes.writeUInt16LE(srcPort, at + record.srcPort);
    this.bytes.writeUInt16LE(dstPort, at + record.dstPort);
  }

  private rule(at: number, handle: number, hook: number): void {
    const [low, high] = ruleWords(handle, hook);
    this.bytes.writeInt32LE(low, at);
    this.bytes.writeInt32LE(high, at + 4);
  }

  private visits(at: number, hooks: readonly number[], lasted: number): void {
    const { bytes } = this;
    bytes.writeBigUInt64LE(this.nowNs - BigInt(lasted) - 100n, at + record.traversalStartedNs);
    bytes[at + record.traversalVisits] = hooks.length;
    hooks.forEach((hook, place) => {
      bytes[at + record.traversalHooks + place] = hook;
      const entered = Math.floor((lasted * place) / hooks.length);
      if (place > 0) bytes.writeUInt32LE(entered, at + record.traversalAt + (2 * place - 1) * 4);
    });
    bytes.writeUInt32LE(lasted, at + record.traversalAt + (2 * hooks.length - 2) * 4);
  }

  private next(kind: number, flow: number): number {
    const { bytes } = this;
    const at = this.length * recordBytes;
    const cpu = (CPUS - ((flow + 1) % CPUS)) % CPUS; // whose number it is: bpf/flow.h
    this.length++;
    this.nowNs += STEP_NS;
    this.sent[cpu * RecordKind.kinds + kind]!++;
    bytes.fill(0, at, at + recordBytes);
    bytes.writeBigUInt64LE(this.nowNs, at + record.ktimeNs);
    bytes.writeUInt32LE(flow + 1, at + record.flow);
    bytes.writeUInt32LE(this.seqs[cpu]!++, at + record.seq);
    bytes.writeUInt32LE(NETNS, at + record.netns);
    bytes.writeUInt16LE(cpu, at + record.cpu);
    bytes[at + record.kind] = kind;
    bytes[at + record.hook] = 255;
    bytes[at + record.family] = 4;
    bytes[at + record.l4proto] = TCP;
    bytes[at + record.ctinfo] = Ctinfo.none;
    bytes[at + record.verdict] = Verdict.accept;
    bytes.writeUInt16LE(statusOf(kindOf(flow)), at + record.status);
    return at;
  }
}

function statusOf(kind: FlowKind): number {
  const done = Status.confirmed | Status.srcNatDone | Status.dstNatDone;
  const src = kind === 'local' ? 0 : Status.srcNat;
  return done | src | (kind === 'forwarded' ? Status.dstNat : 0);
}

/** FLOW_SRC_RULE and the others, moved down by 4. */
function decidedOf(kind: FlowKind): number {
  const src = kind === 'local' ? RecordFlag.flowSrcNull : RecordFlag.flowSrcRule;
  const dst = kind === 'forwarded' ? RecordFlag.flowDstRule : RecordFlag.flowDstNull;
  return (src | dst) >>> 4;
}

const FORWARD = [Hook.prerouting, Hook.forward, Hook.postrouting];
const TO_HERE = [Hook.prerouting, Hook.input];
const FROM_HERE = [Hook.output, Hook.postrouting];

function hooksOf(kind: FlowKind, isReply: boolean): readonly number[] {
  if (kind !== 'local') return FORWARD;
  return isReply ? FROM_HERE : TO_HERE;
}

function seenOf(
  kind: FlowKind,
  hooks: readonly number[],
  isReply: boolean,
  isFirst: boolean,
): number {
  const [first, last] = [hooks[0]!, hooks.at(-1)!];
  const isDst = kind === 'forwarded';
  const early = (isReply ? kind !== 'local' : isDst) ? 1 << first : 0;
  const late = (isReply ? isDst : kind !== 'local') ? 1 << last : 0;
  const rewritten = (early | late) << Seen.rewritten;
  if (!isFirst) return rewritten;
  const chains = ((1 << first) | (1 << last)) << Seen.chains;
  return (
    chains | rewritten | (decidedOf(kind) << Seen.decided) | (ConfirmCode.inserted << Seen.confirm)
  );
}
