/** Fields of a row as text, for people. */
import { addressText, endText } from '../model/address.ts';
import { Status } from '../model/codes.ts';
import { byteAt, EntryHas, EntryWord, halfAt, wideAt } from '../model/entry-row.ts';
import { dstManip, isIdle, protocolAt, srcManip } from './entry-nat.ts';
import { ENTRY_STATES, type LabelNames } from './entry-values.ts';

const WITH_PORTS: ReadonlySet<number> = new Set([6, 17, 33, 132, 136]);
const ICMP: ReadonlySet<number> = new Set([1, 58]);
const GRE = 47;

/** Rows of a socket or of a list of our own: the same memory twice. */
export interface EntryMemory {
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
}

export function helperAt(bytes: Uint8Array, at: number): string {
  const from = (at + EntryWord.helper) * 4;
  const name = bytes.subarray(from, from + 16);
  const end = name.indexOf(0);
  return Buffer.from(name.subarray(0, end < 0 ? 16 : end)).toString('latin1');
}

/** Labels that are set, by bit. */
export function labelBits(words: Int32Array, at: number): number[] {
  return Array.from({ length: 128 }, (_, bit) => bit).filter(
    (bit) => (words[at + EntryWord.labels + (bit >>> 5)]! >>> (bit & 31)) & 1,
  );
}

/** `labels web,5`: by their names, where these have some; empty without labels. */
export function labelsText(words: Int32Array, at: number, names: LabelNames): string {
  if (!(words[at + EntryWord.has]! & EntryHas.labels)) return '';
  const known = new Map(Array.from(names, ([name, bit]) => [bit, name]));
  const labels = labelBits(words, at).map((bit) => known.get(bit) ?? bit);
  return labels.length === 0 ? '' : `labels ${labels.join(',')}`;
}

export function stateAt(words: Int32Array, at: number): string | null {
  if (!(words[at + EntryWord.has]! & EntryHas.state)) return null;
  return ENTRY_STATES[protocolAt(words, at)]?.[byteAt(words, at, 2)] ?? null;
}

function endAt({ words, bytes }: EntryMemory, at: number, word: number, port: number): string {
  const hasPort = WITH_PORTS.has(protocolAt(words, at));
  return endText(addressText(bytes, (at + word) * 4), port, hasPort);
}

/** `10.0.1.2:5001 > 203.0.113.2:53`; ICMP: `10.0.1.2 > 203.0.113.2 type 8 code 0 id 220`; GRE: `... keys 0x7 > 0x8`. */
export function tupleAt(memory: EntryMemory, at: number, direction: 0 | 1): string {
  const { words } = memory;
  const [src, dst, ports] =
    direction === 0
      ? [EntryWord.origSrc, EntryWord.origDst, EntryWord.origPorts]
      : [EntryWord.replySrc, EntryWord.replyDst, EntryWord.replyPorts];
  const [low, high] = [halfAt(words, at + ports, 0), halfAt(words, at + ports, 1)];
  const text = `${endAt(memory, at, src, low)} > ${endAt(memory, at, dst, high)}`;
  if (ICMP.has(protocolAt(words, at))) {
    return `${text} type ${high >>> 8} code ${high & 255} id ${low}`;
  }
  const hasKeys = protocolAt(words, at) === GRE && (low | high) !== 0;
  return hasKeys ? `${text} keys 0x${low.toString(16)} > 0x${high.toString(16)}` : text;
}

/** Whether an address is one of this host's: text in, as addressText() writes it. */
export type IsLocal = (address: string) => boolean;

/**
 * What the entry shows, no more: masquerading leaves the same entry as source
 * NAT. Empty where nothing is translated.
 */
export function natAt(memory: EntryMemory, at: number, isLocal: IsLocal): string {
  const { words, bytes } = memory;
  if (!(words[at + EntryWord.has]! & EntryHas.reply)) return '';
  const src = srcManip(words, at);
  const dst = dstManip(words, at);
  const parts: string[] = [];
  if (src.isAddress || src.isPort) {
    const port = halfAt(words, at + EntryWord.replyPorts, 1);
    const own = isLocal(addressText(bytes, (at + EntryWord.replyDst) * 4));
    const to = endAt(memory, at, EntryWord.replyDst, port);
    parts.push(`source NAT to ${to}${own ? ' (of this host)' : ''}`);
  }
  if (dst.isAddress || dst.isPort) {
    const port = halfAt(words, at + EntryWord.replyPorts, 0);
    const own = isLocal(addressText(bytes, (at + EntryWord.replySrc) * 4));
    const to = endAt(memory, at, EntryWord.replySrc, port);
    parts.push(own ? `redirect to this host, ${to}` : `DNAT to ${to}`);
  }
  if (isIdle(words, at)) parts.push('another reply tuple, not translated');
  return parts.join(', ');
}

/** `unreplied`, `replied`, `assured`, `offloaded`: the strongest that holds. */
export function lifeAt(words: Int32Array, at: number): string {
  if (!(words[at + EntryWord.has]! & EntryHas.status)) return '';
  const status = words[at + EntryWord.status]!;
  if (status & (Status.offload | Status.hwOffload)) return 'offloaded';
  if (status & Status.assured) return 'assured';
  return status & Status.seenReply ? 'replied' : 'unreplied';
}

/** Both directions together; null where conntrack does not account. */
export function totalAt(words: Int32Array, at: number, of: 'packets' | 'bytes'): bigint | null {
  if (!(words[at + EntryWord.has]! & EntryHas.origCounts)) return null;
  const word = at + EntryWord[of];
  return wideAt(words, word) + wideAt(words, word + 2);
}

/** Seconds since it began; null where conntrack notes no time. */
export function ageAt(words: Int32Array, at: number, nowNs: bigint): number | null {
  if (!(words[at + EntryWord.has]! & EntryHas.start)) return null;
  const ns = nowNs - wideAt(words, at + EntryWord.startNs);
  return ns < 0n ? 0 : Number(ns / 1_000_000_000n);
}
