/** The status of an entry, as conntrack(8)'s words. */
import { Status } from '../model/codes.ts';
import { wrong } from './entry-values.ts';

const SET_WORDS: Readonly<Record<string, number>> = {
  ASSURED: Status.assured,
  SEEN_REPLY: Status.seenReply,
  FIXED_TIMEOUT: Status.fixedTimeout,
  EXPECTED: Status.expected,
  OFFLOAD: Status.offload,
  HW_OFFLOAD: Status.hwOffload,
};
const UNREPLIED = Status.seenReply;
const CLEAR_WORDS: Readonly<Record<string, number>> = {
  UNREPLIED,
  UNSET: UNREPLIED | Status.assured,
};

/** Bits that are set, and that are not. */
export function statusOf(text: string): { set: number; clear: number } {
  let [set, clear] = [0, 0];
  for (const word of text.toUpperCase().split(',')) {
    if (![SET_WORDS, CLEAR_WORDS].some((words) => Object.hasOwn(words, word))) {
      const all = Object.keys({ ...SET_WORDS, ...CLEAR_WORDS }).join(', ');
      throw wrong('status', text, `some of ${all}, joined by commas`, 'ASSURED,SEEN_REPLY');
    }
    set |= SET_WORDS[word] ?? 0;
    clear |= CLEAR_WORDS[word] ?? 0;
  }
  if ((set & clear) === 0) return { set, clear };
  throw wrong('status', text, 'words that one entry can have at a time', 'UNREPLIED,ASSURED');
}

/** Bits that a program may set (IPS_UNCHANGEABLE_MASK has the others); none can be taken back. */
const SETTABLE = ['SEEN_REPLY', 'ASSURED', 'FIXED_TIMEOUT'];

/** Throws for a status that the kernel would pass over in silence, or refuse. */
export function refuseUnsettable(kind: 'insert' | 'update', text: string | undefined): void {
  if (text === undefined) return;
  const { set: bits, clear } = statusOf(text);
  const isMeant = (bits & ~statusOf(SETTABLE.join(',')).set) === 0;
  if (isMeant && (clear === 0 || kind === 'insert')) return;
  const why = isMeant ? 'no bit is ever taken back' : 'the kernel alone sets others';
  throw wrong('status', text, `some of ${SETTABLE.join(', ')}: ${why}`, 'ASSURED,SEEN_REPLY');
}
