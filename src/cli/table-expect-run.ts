/** What `conntrail table list expect` does, and `get`, `count`, `insert`, `delete` and `flush` of it. */

import { quoteCommand } from '../lab/quote.ts';
import { expectRefusalText } from '../libbpf/conntrack-refusal.ts';
import { ConntrackSocket } from '../libbpf/conntrack-socket.ts';
import { errnoName } from '../libbpf/failure.ts';
import { byteAt, ENTRY_WORDS, EntryWord } from '../model/entry-row.ts';
import { TraceError } from '../model/error.ts';
import { familyOf } from '../table/entry-values.ts';
import { namedExpectation, newExpectation } from '../table/expect-build.ts';
import type { ExpectWords } from '../table/expect-options.ts';
import { isMeant, type Meant, sampleLines } from './table-ask.ts';
import { type ChangeOptions, rowsOf } from './table-change-run.ts';
import { expectForm, openExpectSink } from './table-expect-sink.ts';
import type { OutputWords } from './table-form.ts';
import { entryWords } from './table-options.ts';
import { tablePlace } from './table-place.ts';
import { withSink } from './table-sink.ts';
import { writeOut } from './write-out.ts';

const NOUNS: readonly [string, string] = ['expectation', 'expectations'];

export interface ExpectOptions extends OutputWords, ChangeOptions {
  readonly family?: string;
}

export async function listExpectations(options: ExpectOptions): Promise<void> {
  const form = expectForm(options, process.stdout.isTTY === true);
  const family = wantedFamily(options);
  const place = tablePlace(options.netns);
  await inTable(options, async (socket) => {
    const sink = await openExpectSink(form, { socket, place }, options.out);
    await withSink(sink, async () => {
      socket.list(family);
      for (let isMore = true; isMore; ) {
        isMore = socket.next();
        await sink.write(socket.rows, chosenOf(socket, family));
      }
    });
  });
}

export async function countExpectations(options: ExpectOptions): Promise<void> {
  const family = wantedFamily(options);
  await inTable(options, async (socket) => {
    await writeOut(`${countOf(socket, family)}\n`);
  });
}

export async function getExpectation(options: ExpectOptions): Promise<void> {
  const row = namedExpectation(entryWords({ ...options }));
  const form = expectForm(options, process.stdout.isTTY === true);
  const place = tablePlace(options.netns);
  await inTable(options, async (socket) => {
    socket.rows.words.set(row);
    if (!socket.get()) throw noSuch();
    const sink = await openExpectSink(form, { socket, place }, options.out);
    await withSink(sink, () => sink.write(socket.rows, Uint32Array.of(0)));
  });
}

export async function insertExpectation(options: ExpectOptions & ExpectWords): Promise<void> {
  const row = newExpectation({ ...expectWords(options), ...entryWords({ ...options }) });
  await inTable(options, async (socket) => {
    const [errno = 0] = socket.change('insert', rowsOf([row]));
    if (errno !== 0) throw new TraceError('kernel', `insert: ${expectRefusalText(errno)}`);
    process.stderr.write('1 expectation inserted\n');
  });
}

export async function deleteExpectation(options: ExpectOptions): Promise<void> {
  const row = namedExpectation(entryWords({ ...options }));
  await inTable(options, async (socket) => {
    const [errno = 0] = socket.change('delete', rowsOf([row]));
    if (errno !== 0 && errnoName(errno) === 'ENOENT') throw noSuch();
    if (errno !== 0) throw new TraceError('kernel', `delete: ${expectRefusalText(errno)}`);
    process.stderr.write('1 expectation deleted\n');
  });
}

export async function flushExpectations(options: ExpectOptions): Promise<void> {
  await inTable(options, async (socket) => {
    const count = countOf(socket, 0);
    if (count > 0 && !(await isMeant(meantOf(socket, count, options)))) return;
    socket.flush(0);
    process.stderr.write(`${count} ${NOUNS[count === 1 ? 0 : 1]} deleted\n`);
  });
}

function meantOf(socket: ConntrackSocket, count: number, { netns, yes }: ExpectOptions): Meant {
  const place = netns === undefined ? [] : ['--netns', netns];
  const list = quoteCommand(['conntrail', 'table', 'list', 'expect', ...place]);
  return { kind: 'delete', count, samples: () => firstLines(socket), list, yes, nouns: NOUNS };
}

/** All of the listing is read: the socket is used again. */
function firstLines(socket: ConntrackSocket): string[] {
  let lines: string[] = [];
  socket.list(0);
  for (let isMore = true; isMore; ) {
    isMore = socket.next();
    if (lines.length === 0) lines = sampleLines(socket, socket.rows);
  }
  return lines;
}

async function inTable(
  { netns }: ChangeOptions,
  work: (socket: ConntrackSocket) => Promise<void>,
): Promise<void> {
  const socket = ConntrackSocket.open({ netns: tablePlace(netns).path, table: 'expect' });
  try {
    await work(socket);
  } finally {
    await socket.close();
  }
}

function expectWords(options: ExpectWords): ExpectWords {
  const { tupleSrc, tupleDst, tuplePortSrc, tuplePortDst } = options;
  const { maskSrc, maskDst, maskPortSrc, maskPortDst } = options;
  const all = { tupleSrc, tupleDst, tuplePortSrc, tuplePortDst, maskSrc, maskDst };
  const given = Object.entries({ ...all, maskPortSrc, maskPortDst });
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}

export function wantedFamily({ family }: ExpectOptions): 0 | 4 | 6 {
  return family === undefined ? 0 : familyOf(family);
}

/** The rows of the socket's last call that are of a family. */
export function chosenOf({ rows }: ConntrackSocket, family: 0 | 4 | 6): Uint32Array {
  const all = Uint32Array.from({ length: rows.length }, (_, row) => row);
  if (family === 0) return all;
  return all.filter((row) => byteAt(rows.words, row * ENTRY_WORDS + EntryWord.kind, 0) === family);
}

function countOf(socket: ConntrackSocket, family: 0 | 4 | 6): number {
  let count = 0;
  socket.list(family);
  for (let isMore = true; isMore; ) {
    isMore = socket.next();
    count += chosenOf(socket, family).length;
  }
  return count;
}

function noSuch(): TraceError {
  return new TraceError('missing', 'found no expectation that such a flow would fulfil', {
    hint: 'conntrail table list expect',
  });
}
