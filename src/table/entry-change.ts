/** Entries that are there, changed by conntrack(8)'s options. */
import { Status } from '../model/codes.ts';
import { ENTRY_WORDS, EntryHas, EntryWord } from '../model/entry-row.ts';
import { writeHelper, writeTimeout } from './entry-build.ts';
import type { EntryWords } from './entry-options.ts';
import { type LabelNames, labelsOf, markOf, statusOf } from './entry-values.ts';

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
    row[EntryWord.status]! |= statusOf(status) | Status.confirmed;
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
