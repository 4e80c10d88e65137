/** The kernel makes an entry whose labels it has no room for, and does not say so. */
import type { ConntrackSocket } from '../libbpf/conntrack-socket.ts';
import { ENTRY_WORDS, EntryHas, type EntryRows, EntryWord } from '../model/entry-row.ts';
import { TraceError } from '../model/error.ts';
import { LABELS_RULE } from '../table/refusal.ts';
import { Exit, endWith } from './exit.ts';
import { describeError } from './failure.ts';

/** `made`: which of the rows that were sent are entries now. What holds of one holds of all. */
export function tellLostLabels(
  socket: ConntrackSocket,
  rows: EntryRows,
  made: readonly number[],
): void {
  const labelled = made.filter(
    (row) => (rows.words[row * ENTRY_WORDS + EntryWord.has]! & EntryHas.labels) !== 0,
  );
  const [first] = labelled;
  if (first === undefined || hasLabels(socket, rows, first)) return;
  const noun = labelled.length === 1 ? 'entry has' : 'entries have';
  const found = `${labelled.length} ${noun} no labels, needed room for them: no rule of this namespace uses labels`;
  process.stderr.write(describeError(new TraceError('kernel', found, { hint: LABELS_RULE })));
  endWith(Exit.failed);
}

/** Of an entry that has gone since, none are missed. */
function hasLabels(socket: ConntrackSocket, rows: EntryRows, row: number): boolean {
  const at = row * ENTRY_WORDS;
  socket.rows.words.set(rows.words.subarray(at, at + ENTRY_WORDS));
  if (!socket.get()) return true;
  return [0, 1, 2, 3].every((word) => {
    const wanted = rows.words[at + EntryWord.labels + word]!;
    return (socket.rows.words[EntryWord.labels + word]! & wanted) === wanted;
  });
}
