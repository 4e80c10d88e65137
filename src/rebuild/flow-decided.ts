/** What a RECORD_FLOW says was decided about its flow: NAT, and its place in the table. */
import { Confirm, Mapping } from '../model/codes.ts';
import { RecordFlag } from '../wire/layout.ts';
import { Shift, Word } from '../wire/words.ts';
import { Flow as Col, FlowExtra, FlowNull, Known } from './flow-columns.ts';
import type { FlowStore } from './flow-store.ts';
import { clearNull, copyPair } from './row-words.ts';

export function noteDecided(flows: Int32Array, row: number, flags: number): void {
  if (flags & RecordFlag.flowSrcRule) flows[row + Col.srcNat] = Mapping.rule;
  else if (flags & RecordFlag.flowSrcNull) flows[row + Col.srcNat] = Mapping.nullMapping;
  if (flags & RecordFlag.flowDstRule) flows[row + Col.dstNat] = Mapping.rule;
  else if (flags & RecordFlag.flowDstNull) flows[row + Col.dstNat] = Mapping.nullMapping;
}

/** `__nf_conntrack_confirm()` has returned. */
export function noteConfirm(store: FlowStore, words: Int32Array, at: number, row: number): void {
  const to = store.words;
  const verdict = (words[at + Word.verdict]! >>> Shift.verdict) & 0xff;
  to[row + store.extra + FlowExtra.known]! |= Known.confirm;
  to[row + Col.confirm] = verdict === 1 ? Confirm.inserted : Confirm.refused;
  if (verdict !== 1) return;
  copyPair(words, at + Word.ktime, to, row + Col.confirmedAt);
  clearNull(to, row, FlowNull.confirmedAt);
}
