/**
 * A flow's state in one word, as native/columns.h keeps it: IPS_SEEN_REPLY and
 * IPS_ASSURED at their places, enum record_state from bit 16 on; 0: not told.
 */

import { Status } from '../model/codes.ts';
import { ReplyState, TCP_STATES } from '../model/flow-states.ts';
import { Seen, StateCode } from '../wire/layout.ts';
import { Shift, Word } from '../wire/words.ts';

const OF_STATUS = Status.seenReply | Status.assured;
const CODE_BITS = 15;

function stateWord(code: number, status: number): number {
  return code === StateCode.notTold ? 0 : (code << Seen.state) | (status & OF_STATUS);
}

/** As a record about an entry tells it; 0: it does not, as none did up to records of version 4. */
export function stateOfEntry(words: Int32Array, at: number): number {
  const code = (words[at + Word.hook]! >>> Shift.hook) & 0xff;
  return code > CODE_BITS ? 0 : stateWord(code, words[at + Word.status]! >>> Shift.status);
}

/** The same of RECORD_TRAVERSAL. */
export function stateOfPacket(words: Int32Array, at: number): number {
  const code = (words[at + Word.seen]! >>> Seen.state) & CODE_BITS;
  return stateWord(code, words[at + Word.status]! >>> Shift.status);
}

/** Code of TCP_STATES; -1 of another protocol, and where nothing is told. */
export function tcpOf(state: number): number {
  const code = ((state >>> Seen.state) & CODE_BITS) - StateCode.tcp;
  return code < TCP_STATES.length ? code : -1;
}

/** Code of REPLY_STATES. */
export function replyOf(state: number): number {
  if (state & Status.assured) return ReplyState.assured;
  return state & Status.seenReply ? ReplyState.replied : ReplyState.unreplied;
}
