/** What `conntrail table save` and `restore` do; table-save.ts says how they are called. */
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { PartialFile } from '../export/partial-file.ts';
import { ConntrackSocket } from '../libbpf/conntrack-socket.ts';
import { errnoName } from '../libbpf/failure.ts';
import { ENTRY_WORDS, type EntryRows } from '../model/entry-row.ts';
import { fileError, messageOf, TraceError } from '../model/error.ts';
import { newRow } from '../table/entry-build.ts';
import { wordsOfLine } from '../table/entry-line.ts';
import type { LabelNames } from '../table/entry-values.ts';
import { entryFilter } from '../table/filter-words.ts';
import { saveLine } from '../table/show-save.ts';
import { Exit, endWith } from './exit.ts';
import { describeError } from './failure.ts';
import { rowsOf } from './table-change-run.ts';
import { tellLost } from './table-kept.ts';
import { chosenOf } from './table-list-run.ts';
import { entryWords } from './table-options.ts';
import { labelNames, tablePlace } from './table-place.ts';
import { hintOf, refusalAt } from './table-refused.ts';
import { writeOut } from './write-out.ts';

interface Options {
  readonly netns?: string;
}

export async function saveTable(path: string | undefined, options: Options): Promise<void> {
  const filter = entryFilter(entryWords({ ...options }), labelNames());
  const socket = ConntrackSocket.open({ netns: tablePlace(options.netns).path });
  const file = path === undefined || path === '-' ? undefined : await PartialFile.create(path);
  try {
    socket.list(filter.family);
    for (let isMore = true; isMore; ) {
      isMore = socket.next();
      const { words, bytes } = socket.rows;
      const lines = Array.from(chosenOf(socket, filter), (row) =>
        saveLine(words, bytes, row * ENTRY_WORDS, true),
      );
      const out = lines.map((line) => `${line}\n`).join('');
      if (file === undefined) await writeOut(out);
      else await file.write(Buffer.from(out));
    }
    await file?.commit();
  } catch (error) {
    await file?.discard();
    throw error;
  } finally {
    await socket.close();
  }
}

export async function restoreTable(path: string | undefined, options: Options): Promise<void> {
  const lines = (await linesOf(path)).split('\n');
  const labels = labelNames();
  const numbers: number[] = [];
  const rows: Int32Array[] = [];
  lines.forEach((line, index) => {
    if (line.trim() === '' || line.trimStart().startsWith('#')) return;
    rows.push(rowOf(line, index + 1, labels));
    numbers.push(index + 1);
  });
  if (rows.length === 0) {
    process.stderr.write('found no entries to restore\n');
    return;
  }
  const { path: netns } = tablePlace(options.netns);
  const socket = ConntrackSocket.open({ netns });
  try {
    const all = rowsOf(rows);
    const errors = socket.change('insert', all);
    tell(all, errors, numbers, netns);
    const ended = (name: string): number[] =>
      numbers.flatMap((_, row) => (endOf(errors[row]!) === name ? [row] : []));
    tellLost(socket, all, { made: ended(''), there: ended('EEXIST'), path: netns });
  } finally {
    await socket.close();
  }
}

async function linesOf(path: string | undefined): Promise<string> {
  if (path === undefined || path === '-') return text(process.stdin);
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw fileError('read', path, error);
  }
}

function rowOf(line: string, number: number, labels: LabelNames): Int32Array {
  try {
    return newRow(wordsOfLine(line), labels);
  } catch (error) {
    if (!(error instanceof TraceError)) throw error;
    throw new TraceError('usage', `line ${number}: ${messageOf(error)}`, {
      hint: 'conntrail table restore --help',
      cause: error,
    });
  }
}

/** Empty: it was made. */
function endOf(errno: number): string {
  return errno === 0 ? '' : errnoName(errno);
}

const MOST_TOLD = 10;

function tell(
  rows: EntryRows,
  errors: Int32Array,
  numbers: readonly number[],
  path: string | undefined,
): void {
  const there = errors.filter((errno) => errnoName(errno) === 'EEXIST').length;
  const made = errors.filter((errno) => errno === 0).length;
  const refused = errors.length - there - made;
  process.stderr.write(`${made} of ${errors.length} entries restored, ${there} were there\n`);
  if (refused === 0) return;
  let told = 0;
  errors.forEach((errno, index) => {
    const refusal = refusalAt('insert', rows, index, errno, path);
    if (refusal === undefined || errnoName(errno) === 'EEXIST' || told++ >= MOST_TOLD) return;
    const { text, hint } = refusal;
    const found = new TraceError('kernel', `line ${numbers[index]}: ${text}`, hintOf(hint));
    process.stderr.write(describeError(found));
  });
  if (refused > MOST_TOLD) process.stderr.write(`and ${refused - MOST_TOLD} more\n`);
  endWith(Exit.failed);
}
