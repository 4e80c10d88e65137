/** Entries that are there, changed by conntrack(8)'s options. */

import { Status } from '../model/codes.ts';
import { ENTRY_WORDS, EntryHas, EntryWord } from '../model/entry-row.ts';
import { writeHelper, writeTimeout } from './entry-build.ts';
import type { EntryWords } from './entry-options.ts';
import { statusOf } from './entry-status.ts';
import { type LabelNames, labelsOf, markOf } from './entry-values.ts';

/** What of a row is sent to name it when it is changed. */
const NAMES =
  EntryHas.zone | EntryHas.zoneOrig | EntryHas.zoneReply | EntryHas.orig | EntryHas.origPorts;

/** The change of one entry that was found: its names, and what shall be other. */
export function changedRow(
  words: Int32Array,
  at: number,
  given: EntryWords,
  labels: LabelNames = new Map(),
): Int32Array {
  const row = words.slice(at, at + ENTRY_WORDS);
  row[EntryWord.has]! &= NAMES;
  const { mark, status, labelAdd, labelDel } = given;
  if (given.timeout !== undefined) writeTimeout(row, given.timeout);
  if (status !== undefined) {
    row[EntryWord.status]! |= statusOf(status).set | Status.confirmed;
    row[EntryWord.has]! |= EntryHas.status;
  }
  if (mark !== undefined) {
    const { value, mask = -1 } = markOf(mark);
    row[EntryWord.mark] = (row[EntryWord.mark]! & ~mask) ^ value;
    row[EntryWord.has]! |= EntryHas.mark;
  }
  if (labelAdd !== undefined || labelDel !== undefined) changeLabels(row, given, labels);
  if (given.helper !== undefined) writeHelper(row.fill(0, EntryWord.helper, 48), given.helper);
  return row;
}

/** Bits that a change sets. */
const SET = Status.seenReply | Status.assured | Status.fixedTimeout;

/** Whether what was asked for is not so already; a timeout runs, it is always another. */
export function isChange(words: Int32Array, at: number, changed: Int32Array): boolean {
  const has = changed[EntryWord.has]!;
  const differs = (word: number): boolean => words[at + word] !== changed[word];
  const four = [0, 1, 2, 3];
  if (has & EntryHas.timeout) return true;
  if (has & EntryHas.status && changed[EntryWord.status]! & ~words[at + EntryWord.status]! & SET)
    return true;
  if (has & EntryHas.mark && differs(EntryWord.mark)) return true;
  if (has & EntryHas.helper && four.some((word) => differs(EntryWord.helper + word))) return true;
  if (!(has & EntryHas.labels)) return false;
  return four.some((word) => {
    const before = words[at + EntryWord.labels + word]!;
    const mask = changed[EntryWord.labelsMask + word]!;
    return ((before & ~mask) ^ changed[EntryWord.labels + word]!) !== before;
  });
}

function changeLabels(
  row: Int32Array,
  { labelAdd, labelDel }: EntryWords,
  names: LabelNames,
): void {
  const all = Int32Array.of(-1, -1, -1, -1);
  const none = new Int32Array(4);
  const gone =
    labelDel === undefined ? none : labelDel === '' ? all : labelsOf('label-del', labelDel, names);
  const added = labelAdd === undefined ? none : labelsOf('label-add', labelAdd, names);
  for (let index = 0; index < 4; index++) {
    row[EntryWord.labels + index] = added[index]!;
    row[EntryWord.labelsMask + index] = added[index]! | gone[index]!;
  }
  row[EntryWord.has]! |= EntryHas.labels | EntryHas.labelsMask;
}
