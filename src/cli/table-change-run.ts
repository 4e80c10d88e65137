/** What `conntrail table insert`, `update`, `delete` and `flush` do. */
import { refusalText } from '../libbpf/conntrack-refusal.ts';
import { type ChangeKind, ConntrackSocket } from '../libbpf/conntrack-socket.ts';
import { errnoName } from '../libbpf/failure.ts';
import { ENTRY_WORDS, EntryRows, LineForm } from '../model/entry-row.ts';
import { TraceError } from '../model/error.ts';
import { newRow } from '../table/entry-build.ts';
import { changedRow } from '../table/entry-change.ts';
import type { EntryWords } from '../table/entry-options.ts';
import { familyOf } from '../table/entry-values.ts';
import { entryFilter } from '../table/filter-words.ts';
import { Exit, endWith } from './exit.ts';
import { isAgreed } from './stale-delete.ts';
import { matchingRows } from './table-matching.ts';
import { entryWords } from './table-options.ts';
import { labelNames, tablePlace } from './table-place.ts';
import { writeOut } from './table-sink.ts';

export interface ChangeOptions {
  readonly netns?: string;
  readonly yes?: boolean;
}

export async function insertEntry(options: ChangeOptions): Promise<void> {
  const rows = rowsOf([newRow(entryWords({ ...options }), labelNames())]);
  await inTable(options, async (socket) => {
    const [errno = 0] = socket.change('insert', rows);
    if (errno !== 0) throw new TraceError('kernel', `insert: ${refusalText(errno)}`);
    process.stderr.write('1 entry inserted\n');
  });
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
  const labels = labelNames();
  const filter = entryFilter(withoutKeys(words), labels);
  await inTable(options, async (socket) => {
    const found = matchingRows(socket, filter);
    if (!(await isMeant('update', found.length, options))) return;
    const changed = Array.from({ length: found.length }, (_, row) =>
      changedRow(found.words, row * ENTRY_WORDS, words, labels),
    );
    report('update', found.length, socket.change('update', rowsOf(changed)));
  });
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
  await inTable(options, async (socket) => {
    const found = matchingRows(socket, filter);
    if (!(await isMeant('delete', found.length, options))) return;
    const errors = socket.change('delete', found);
    const all = Uint32Array.from({ length: found.length }, (_, row) => row);
    const done = all.filter((row) => errors[row] === 0);
    for (const bytes of socket.lines(done, form, found)) await writeOut(bytes);
    report('delete', found.length, errors);
  });
}

export async function flushTable(options: ChangeOptions): Promise<void> {
  const { family } = entryWords({ ...options });
  const wanted = family === undefined ? 0 : familyOf(family);
  await inTable(options, async (socket) => {
    const filter = entryFilter(family === undefined ? {} : { family });
    const count = wanted === 0 ? socket.count() : matchingRows(socket, filter).length;
    if (count > 0 && !(await isMeant('delete', count, options))) return;
    socket.flush(wanted);
    process.stderr.write(`${count} ${count === 1 ? 'entry' : 'entries'} deleted\n`);
  });
}

async function inTable(
  { netns }: ChangeOptions,
  work: (socket: ConntrackSocket) => Promise<void>,
): Promise<void> {
  const socket = ConntrackSocket.open({ netns: tablePlace(netns).path });
  try {
    await work(socket);
  } finally {
    await socket.close();
  }
}

export function rowsOf(rows: readonly Int32Array[]): EntryRows {
  const all = new EntryRows(Math.max(1, rows.length));
  for (const row of rows) all.append(row, 0);
  return all;
}

/** One may be changed without a question; more need an answer, or --yes. */
export async function isMeant(
  kind: 'update' | 'delete',
  count: number,
  { yes }: ChangeOptions,
  [one, more]: readonly [string, string] = ['entry', 'entries'],
): Promise<boolean> {
  if (count === 0) {
    throw new TraceError('missing', `found no ${one} to ${kind}, needed one that matches`, {
      hint: 'conntrail table list, with the same options',
    });
  }
  if (count === 1 || yes) return true;
  if (process.stdin.isTTY) return (await isAgreed(count, kind, [one, more])) || declined(kind);
  const found = `found ${count} ${more} to ${kind}`;
  throw new TraceError('usage', `${found} and no terminal to ask on, needed --yes`, {
    hint: 'conntrail table list, with the same options',
  });
}

function declined(kind: ChangeKind): false {
  process.stderr.write(`nothing ${kind}d\n`);
  endWith(Exit.failed);
  return false;
}

/** Entries that are gone by now were on their way out: no failure. */
function report(kind: ChangeKind, count: number, errors: Int32Array): void {
  const failed = errors.filter((errno) => errno !== 0 && errnoName(errno) !== 'ENOENT');
  const done = errors.filter((errno) => errno === 0).length;
  process.stderr.write(`${done} of ${count} ${kind}d\n`);
  const [first] = failed;
  if (first === undefined) return;
  process.stderr.write(`conntrail: ${kind}: ${failed.length} refused: ${refusalText(first)}\n`);
  endWith(Exit.failed);
}
