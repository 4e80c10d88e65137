/** An entry as a line of conntrack(8)'s own options: `-o save`, and all that it leaves out. */
import { addressText } from '../model/address.ts';
import { PROTOCOLS, Status } from '../model/codes.ts';
import { byteAt, EntryHas, EntryWord, halfAt } from '../model/entry-row.ts';
import { dstManip, protocolAt, srcManip } from './entry-nat.ts';
import { ENTRY_STATES } from './entry-values.ts';
import { helperAt, labelBits } from './show-text.ts';

const STATUS: readonly (readonly [number, string])[] = [
  [Status.expected, 'EXPECTED'],
  [Status.seenReply, 'SEEN_REPLY'],
  [Status.assured, 'ASSURED'],
  [Status.fixedTimeout, 'FIXED_TIMEOUT'],
];

/** `bytes` and `words` are the same rows. `isWhole`: with mark, labels and helper, which conntrack leaves out. */
export function saveLine(
  words: Int32Array,
  bytes: Uint8Array,
  at: number,
  isWhole: boolean,
): string {
  const has = words[at + EntryWord.has]!;
  const parts = [
    '-A',
    '-t',
    String(words[at + EntryWord.timeoutS]! >>> 0),
    '-u',
    statusText(words, at),
  ];
  const mark = words[at + EntryWord.mark]! >>> 0;
  if (isWhole && mark !== 0) parts.push('-m', String(mark));
  parts.push(...zones(words, at, has), ...addresses(words, bytes, at));
  const protocol = protocolAt(words, at);
  parts.push(
    '-p',
    protocolText(protocol),
    ...ports(words, at, protocol, isWhole),
    ...state(words, at, has),
  );
  if (isWhole && has & EntryHas.labels) {
    const bits = labelBits(words, at);
    if (bits.length > 0) parts.push('--label-add', bits.join(','));
  }
  if (isWhole && has & EntryHas.helper) parts.push('--helper', helperAt(bytes, at));
  return parts.join(' ');
}

function statusText(words: Int32Array, at: number): string {
  const status = words[at + EntryWord.status]!;
  const names = STATUS.flatMap(([bit, name]) => (status & bit ? [name] : []));
  return names.length === 0 ? 'UNSET' : names.join(',');
}

function zones(words: Int32Array, at: number, has: number): string[] {
  const zone = halfAt(words, at + EntryWord.zones, 0);
  const orig = halfAt(words, at + EntryWord.zones, 1);
  const reply = halfAt(words, at + EntryWord.zoneReply, 0);
  return [
    ...(has & EntryHas.zone ? ['-w', String(zone)] : []),
    ...(has & EntryHas.zoneOrig ? ['--orig-zone', String(orig)] : []),
    ...(has & EntryHas.zoneReply ? ['--reply-zone', String(reply)] : []),
  ];
}

function addresses(words: Int32Array, bytes: Uint8Array, at: number): string[] {
  const text = (word: number): string => addressText(bytes, (at + word) * 4);
  return [
    ...['-s', text(EntryWord.origSrc), '-d', text(EntryWord.origDst)],
    ...[dstManip(words, at).isAddress ? '-g' : '-r', text(EntryWord.replySrc)],
    ...[srcManip(words, at).isAddress ? '-n' : '-q', text(EntryWord.replyDst)],
  ];
}

function protocolText(protocol: number): string {
  const name = PROTOCOLS[protocol];
  return name === undefined || UNNAMED.has(protocol) ? String(protocol) : name;
}

/** Those that conntrack has no name for. */
const UNNAMED: ReadonlySet<number> = new Set([2, 50, 51]);

/** Of DCCP conntrack writes none, whether there are some or not. */
function ports(words: Int32Array, at: number, protocol: number, isWhole: boolean): string[] {
  const [src, dst] = [0, 1].map((high) => halfAt(words, at + EntryWord.origPorts, high as 0 | 1));
  const [replySrc, replyDst] = [0, 1].map((high) =>
    halfAt(words, at + EntryWord.replyPorts, high as 0 | 1),
  );
  if (protocol === 33 && (!isWhole || (src === 0 && dst === 0))) return [];
  switch (protocol) {
    case 1:
    case 58: {
      const prefix = protocol === 1 ? '--icmp' : '--icmpv6';
      const [type, code] = [dst! >>> 8, dst! & 0xff];
      return `${prefix}-type ${type} ${prefix}-code ${code} ${prefix}-id ${src}`.split(' ');
    }
    case 47:
      return `--srckey ${src} --dstkey ${dst} --reply-key-src ${replySrc} --reply-key-dst ${replyDst}`.split(
        ' ',
      );
    case 6:
    case 17:
    case 33:
    case 132:
    case 136:
      return `--sport ${src} --dport ${dst} --reply-port-src ${replySrc} --reply-port-dst ${replyDst}`.split(
        ' ',
      );
    default:
      return [];
  }
}

function state(words: Int32Array, at: number, has: number): string[] {
  const protocol = protocolAt(words, at);
  const name = ENTRY_STATES[protocol]?.[byteAt(words, at, 2)];
  if (!(has & EntryHas.state) || name === undefined) return [];
  if (protocol !== 132) return ['--state', name];
  const [orig, reply] = [words[at + EntryWord.vtags]!, words[at + EntryWord.vtags + 1]!];
  return `--state ${name} --orig-vtag ${orig >>> 0} --reply-vtag ${reply >>> 0}`.split(' ');
}
