/** The kernel makes an entry without what it has no room or no tracker for, and does not say so. */
import type { ConntrackSocket } from '../libbpf/conntrack-socket.ts';
import { protocolName } from '../model/codes.ts';
import { ENTRY_WORDS, EntryHas, type EntryRows, EntryWord } from '../model/entry-row.ts';
import { TraceError } from '../model/error.ts';
import { MAYBE_ALONE } from '../table/command.ts';
import { protocolAt } from '../table/entry-nat.ts';
import { LABELS_RULE, type Refusal } from '../table/refusal.ts';
import { Exit, endWith } from './exit.ts';
import { describeError } from './failure.ts';
import { inNetns } from './table-place.ts';
import { hintOf } from './table-refused.ts';

const NONE = 'no rule of this namespace uses labels';

/** What an entry does not have that was sent; undefined: it has all, or has gone since. */
export function lostAt(
  socket: ConntrackSocket,
  rows: EntryRows,
  row: number,
  path: string | undefined,
): Refusal | undefined {
  const at = row * ENTRY_WORDS;
  socket.rows.words.set(rows.words.subarray(at, at + ENTRY_WORDS));
  if (!socket.get()) return undefined;
  const [sent, kept] = [rows.words.subarray(at, at + ENTRY_WORDS), socket.rows.words];
  if (sent[EntryWord.origPorts] !== kept[EntryWord.origPorts]) {
    const name = protocolName(protocolAt(rows.words, at));
    return {
      text: `this kernel has no tracker of ${name}: it keeps neither ports nor a state`,
      hint: `--sport 0 --dport 0, for one entry of all ${name} between the two addresses`,
    };
  }
  if (hasLabels(sent, kept)) return undefined;
  return { text: `no room for labels: ${NONE}`, hint: inNetns(path, LABELS_RULE) };
}

/** Of a row that was sent without labels: yes. */
function hasLabels(sent: Int32Array, kept: Int32Array): boolean {
  return [0, 1, 2, 3].every((word) => {
    const wanted = sent[EntryWord.labels + word]!;
    return (
      !(sent[EntryWord.has]! & EntryHas.labels) ||
      (kept[EntryWord.labels + word]! & wanted) === wanted
    );
  });
}

/** One line for each thing that entries of a file do not have: of those made now, and of those that were there. */
export function tellLost(
  socket: ConntrackSocket,
  rows: EntryRows,
  { made, there, path }: { made: number[]; there: number[]; path: string | undefined },
): void {
  const told = new Map<string, { count: number; hint: string | undefined }>();
  const look = (some: number[], were: string, again?: string): void => {
    for (const row of some) {
      if (!isDoubtful(rows.words, row * ENTRY_WORDS)) continue;
      const lost = lostAt(socket, rows, row, path);
      if (lost === undefined) continue;
      const text = again === undefined ? `${were}: ${lost.text}` : were;
      told.set(text, { count: (told.get(text)?.count ?? 0) + 1, hint: again ?? lost.hint });
    }
  };
  look(made, 'restored without all of it');
  look(there, 'there before, without labels or ports that the file has', AGAIN);
  for (const [text, { count, hint }] of told) {
    const noun = count === 1 ? 'entry' : 'entries';
    const found = new TraceError('kernel', `${count} ${noun} ${text}`, hintOf(hint));
    process.stderr.write(describeError(found));
    endWith(Exit.failed);
  }
}

const AGAIN = 'conntrail table delete, of these, and restore once more';

/** Only labels, and ports of these protocols, can be missing. */
function isDoubtful(words: Int32Array, at: number): boolean {
  const isLabelled = (words[at + EntryWord.has]! & EntryHas.labels) !== 0;
  return isLabelled || MAYBE_ALONE.has(protocolAt(words, at));
}
