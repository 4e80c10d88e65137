/** What a failure is: from where the kernel gave up, its words, and what became of the packet. */
import { Status, Verdict } from '../model/codes.ts';
import { Cause, type CauseCode, KnownBy } from '../model/failure-codes.ts';
import { FailureFlag, FailureKind } from '../wire/layout.ts';
import { Shift, Word } from '../wire/words.ts';

/** What became of the packet of a failure. */
export const Fate = { unknown: 0, refused: 1, valid: 2 } as const;
export type Fate = (typeof Fate)[keyof typeof Fate];

export interface Judged {
  readonly cause: CauseCode;
  readonly knownBy: number;
}

const ICMP = 1;
const ICMPV6 = 58;
/** ICMP messages about another packet (RFC 792; the kernel's icmp_is_err()). */
const ICMP_ERRORS: ReadonlySet<number> = new Set([3, 4, 5, 11, 12]);
const LAST_ICMP_TYPE = 18; // NR_ICMP_TYPES
const FIRST_ICMPV6_INFORMATION = 128; // RFC 4443, 2.1

/**
 * Words that the kernel says of packets that stay valid: nf_conntrack_tcp_packet()
 * and, since 5.19, tcp_in_window() for what comes too late.
 */
const STAYS_VALID = /ignored|lower(ed)? (timeout|…)|challenge|^SEQ is under lower bound %u/;

/** `words`: a RECORD_FAILURE. `text`: undefined where it has none, or it is not known. */
export function judge(words: Int32Array, text: string | undefined, fate: Fate): Judged {
  const kind = kindOf(words);
  if (kind === FailureKind.invalid) return judgeInvalid(words, text, fate);
  if (kind === FailureKind.refused) return { cause: refusal(words), knownBy: KnownBy.packet };
  return { cause: causeOf(kind, words), knownBy: KnownBy.call };
}

function judgeInvalid(words: Int32Array, text: string | undefined, fate: Fate): Judged {
  const knownBy = fate === Fate.unknown ? KnownBy.text : KnownBy.packet;
  const isValid = fate === Fate.valid || (fate === Fate.unknown && STAYS_VALID.test(text ?? ''));
  if (isValid) return { cause: Cause.loggedOnly, knownBy };
  const isOfEntry = (flagsOf(words) & FailureFlag.ofEntry) !== 0;
  return { cause: isIcmp(words) && !isOfEntry ? Cause.icmpRefused : Cause.invalidPacket, knownBy };
}

/** Without a word: an ICMP message that may not be, or a packet that makes no entry. */
function refusal(words: Int32Array): CauseCode {
  if (verdictOf(words) === Verdict.drop) return Cause.refusedAtOnce;
  const type = (words[Word.dstPort]! >>> Shift.dstPort) >>> 8;
  const protocol = protocolOf(words);
  const isError =
    (protocol === ICMP && (ICMP_ERRORS.has(type) || type > LAST_ICMP_TYPE)) ||
    (protocol === ICMPV6 && type < FIRST_ICMPV6_INFORMATION);
  return isError ? Cause.icmpRefused : Cause.invalidPacket;
}

function causeOf(kind: number, words: Int32Array): CauseCode {
  switch (kind) {
    case FailureKind.full:
      return Cause.tableFull;
    case FailureKind.evicted:
      return Cause.evicted;
    case FailureKind.clash:
      return clashOf(words);
    case FailureKind.confirm: {
      const status = (words[Word.status]! >>> Shift.status) & 0xffff;
      return status & Status.dying ? Cause.entryDying : Cause.notInserted;
    }
    case FailureKind.search:
      return Cause.noFreePort;
    case FailureKind.expect:
      return Cause.expectationRefused;
    case FailureKind.helper:
      return Cause.droppedByHelper;
    case FailureKind.sequence:
      return Cause.sequenceNotAdjusted;
    default:
      return Cause.none;
  }
}

function clashOf(words: Int32Array): CauseCode {
  const flags = flagsOf(words);
  if (verdictOf(words) === Verdict.accept) {
    return flags & FailureFlag.merged ? Cause.clashMerged : Cause.clashKept;
  }
  return flags & FailureFlag.replyTaken ? Cause.mappingTaken : Cause.clashRefused;
}

function isIcmp(words: Int32Array): boolean {
  const protocol = protocolOf(words);
  return protocol === ICMP || protocol === ICMPV6;
}

function protocolOf(words: Int32Array): number {
  return (words[Word.l4proto]! >>> Shift.l4proto) & 0xff;
}

function verdictOf(words: Int32Array): number {
  return (words[Word.verdict]! >>> Shift.verdict) & 0xff;
}

/** FailureKind: record.cause, which has the place of ctinfo. */
export function kindOf(words: Int32Array): number {
  return (words[Word.ctinfo]! >>> Shift.ctinfo) & 0xff;
}

export function flagsOf(words: Int32Array): number {
  return (words[Word.flags]! >>> Shift.flags) & 0xffff;
}

const ERRNO: Readonly<Record<number, string>> = {
  12: 'ENOMEM',
  16: 'EBUSY',
  17: 'EEXIST',
  22: 'EINVAL',
  24: 'EMFILE',
  108: 'ESHUTDOWN',
};

/** Of an expectation: the errno. */
export function errorText(words: Int32Array): string {
  const error = words[Word.error]!;
  return ERRNO[error] ?? `errno ${error}`;
}
