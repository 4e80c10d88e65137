/** What `conntrail table insert`, `update`, `delete` and `flush` do. */

import { ConntrackSocket } from '../libbpf/conntrack-socket.ts';
import { errnoName } from '../libbpf/failure.ts';
import { ENTRY_WORDS, EntryRows, LineForm } from '../model/entry-row.ts';
import { TraceError } from '../model/error.ts';
import { newRow } from '../table/entry-build.ts';
import { changedRow, isChange } from '../table/entry-change.ts';
import type { EntryWords } from '../table/entry-options.ts';
import { refuseUnsettable } from '../table/entry-status.ts';
import { familyOf, type LabelNames, wrong } from '../table/entry-values.ts';
import { entryFilter } from '../table/filter-words.ts';
import { isMeant, type Meant, sampleLines } from './table-ask.ts';
import { lostAt } from './table-kept.ts';
import { firstRows, matchingRows } from './table-matching.ts';
import { entryWords, listCommand, NAME_KEYS } from './table-options.ts';
import { labelNames, tablePlace } from './table-place.ts';
import { hintOf, refusalAt, report } from './table-refused.ts';
import { writeOut } from './write-out.ts';

export interface ChangeOptions {
  readonly netns?: string;
  readonly yes?: boolean;
}

export async function insertEntry(options: ChangeOptions): Promise<void> {
  const words = entryWords({ ...options });
  refuseUnsettable('insert', words.status);
  if (words.timeout === '0')
    throw wrong('timeout', '0', 'a second at least: the entry would end at once', '120');
  const rows = rowsOf([newRow(words, labelNames())]);
  await inTable(options, async (socket, path) => {
    const [errno = 0] = socket.change('insert', rows);
    const refusal = refusalAt('insert', rows, 0, errno, path);
    if (refusal !== undefined) {
      const { text, hint = errnoName(errno) === 'EEXIST' ? likeIt(words, options) : undefined } =
        refusal;
      throw new TraceError('kernel', `insert: ${text}`, hintOf(hint));
    }
    const lost = lostAt(socket, rows, 0, path);
    if (lost !== undefined) {
      socket.change('delete', rows);
      throw new TraceError('kernel', `insert: nothing inserted: ${lost.text}`, hintOf(lost.hint));
    }
    process.stderr.write('1 entry inserted\n');
  });
}

/** Lists what has its original tuple. */
function likeIt(words: EntryWords, { netns }: ChangeOptions): string {
  const isName = (key: string): boolean => (NAME_KEYS as readonly string[]).includes(key);
  const names = Object.entries(words).filter(([key]) => isName(key) && !key.startsWith('reply'));
  return listCommand(Object.fromEntries(names), netns);
}

/** What of the options says what shall be. */
const CHANGING = ['mark', 'timeout', 'status', 'labelAdd', 'labelDel', 'helper'] as const;

export async function updateEntries(options: ChangeOptions): Promise<void> {
  const words = entryWords({ ...options });
  if (CHANGING.every((key) => words[key] === undefined)) {
    throw new TraceError('usage', 'found nothing to change, needed --mark, --timeout or another', {
      hint: 'conntrail table update -p tcp --dport 443 --mark 1',
    });
  }
  refuseUnsettable('update', words.status);
  const labels = labelNames();
  changedRow(new Int32Array(ENTRY_WORDS), 0, words, labels); // refuses bad values, before anything is asked
  const names = withoutKeys(words);
  const filter = entryFilter(names, labels);
  await inTable(options, async (socket, path) => {
    const found = matchingRows(socket, filter);
    if (!(await isMeant(meantOf('update', socket, found, names, options)))) return;
    const rows = rowsOf(changesOf(found, words, labels));
    const errors = socket.change('update', rows);
    const same = found.length - rows.length;
    report({ kind: 'update', count: found.length, same, rows, errors, path });
  });
}

/** A row for each entry that is not as it shall be. */
function changesOf(found: EntryRows, words: EntryWords, labels: LabelNames): Int32Array[] {
  const changes: Int32Array[] = [];
  for (let row = 0; row < found.length; row++) {
    const at = row * ENTRY_WORDS;
    const changed = changedRow(found.words, at, words, labels);
    if (isChange(found.words, at, changed)) changes.push(changed);
  }
  return changes;
}

function meantOf(
  kind: Meant['kind'],
  socket: ConntrackSocket,
  found: EntryRows,
  names: EntryWords,
  { netns, yes }: ChangeOptions,
): Meant {
  const list = listCommand(names, netns);
  return { kind, count: found.length, samples: () => sampleLines(socket, found), list, yes };
}

function withoutKeys(words: EntryWords): EntryWords {
  return Object.fromEntries(
    Object.entries(words).filter(([key]) => !(CHANGING as readonly string[]).includes(key)),
  );
}

export async function deleteMatching(options: ChangeOptions): Promise<void> {
  const words = entryWords({ ...options });
  const filter = entryFilter(words, labelNames());
  const form = words.label === undefined ? 0 : LineForm.labels;
  await inTable(options, async (socket, path) => {
    const found = matchingRows(socket, filter);
    if (!(await isMeant(meantOf('delete', socket, found, words, options)))) return;
    const errors = socket.change('delete', found);
    const all = Uint32Array.from({ length: found.length }, (_, row) => row);
    const done = all.filter((row) => errors[row] === 0);
    for (const bytes of socket.lines(done, form, found)) await writeOut(bytes);
    report({ kind: 'delete', count: found.length, same: 0, rows: found, errors, path });
  });
}

export async function flushTable(options: ChangeOptions): Promise<void> {
  const { family } = entryWords({ ...options });
  const wanted = family === undefined ? 0 : familyOf(family);
  const names: EntryWords = family === undefined ? {} : { family };
  await inTable(options, async (socket) => {
    const isAll = wanted === 0;
    const count = isAll ? socket.count() : matchingRows(socket, entryFilter(names)).length;
    const samples = () => sampleLines(socket, firstRows(socket, wanted));
    const list = listCommand(names, options.netns);
    if (count > 0 && !(await isMeant({ kind: 'delete', count, samples, list, yes: options.yes })))
      return;
    socket.flush(wanted);
    process.stderr.write(`${count} ${count === 1 ? 'entry' : 'entries'} deleted\n`);
  });
}

async function inTable(
  { netns }: ChangeOptions,
  work: (socket: ConntrackSocket, path: string | undefined) => Promise<void>,
): Promise<void> {
  const { path } = tablePlace(netns);
  const socket = ConntrackSocket.open({ netns: path });
  try {
    await work(socket, path);
  } finally {
    await socket.close();
  }
}

export function rowsOf(rows: readonly Int32Array[]): EntryRows {
  const all = new EntryRows(Math.max(1, rows.length));
  for (const row of rows) all.append(row, 0);
  return all;
}
