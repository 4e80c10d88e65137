/** Entries deleted, once somebody has agreed to it. */
import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import { ConntrackSocket } from '../libbpf/conntrack-socket.ts';
import { errnoName } from '../libbpf/failure.ts';
import type { Entry } from '../model/entry.ts';
import { TraceError } from '../model/error.ts';
import { nameOptions } from '../table/command.ts';
import { namedRow } from '../table/entry-build.ts';
import { wordsOfLine } from '../table/entry-line.ts';
import { describeError } from './failure.ts';
import type { StaleHere } from './stale-netns.ts';
import { rowsOf } from './table-change-run.ts';
import { hintOf, refusalAt } from './table-refused.ts';

export interface DeleteOptions {
  readonly delete?: boolean;
  readonly yes?: boolean;
}

/** Before anything is read: nobody to ask is wrong usage. */
export function refuseUnasked({ delete: isWanted, yes }: DeleteOptions, isTerminal: boolean): void {
  if (!isWanted || yes || isTerminal) return;
  throw new TraceError('usage', 'found --delete without a terminal to ask on, needed --yes', {
    hint: 'conntrail explain --stale --delete --yes',
  });
}

/** On stderr, so that a list on stdout stays a list. Ctrl-C and Ctrl-D are no agreement. */
export async function isAgreed(
  count: number,
  what = 'delete',
  [one, more]: readonly [string, string] = ['entry', 'entries'],
): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const noun = count === 1 ? one : more;
  // a terminal that is gone closes, and then nothing answers the question
  const closed = once(lines, 'close').then(() => NO_ANSWER);
  const asked = lines.question(`${what} ${count} ${noun}? [y/N] `).catch(noneOfAborted);
  try {
    const answer = await Promise.race([asked, closed]);
    if (answer === NO_ANSWER) process.stderr.write('\n');
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    lines.close();
  }
}

const NO_ANSWER = '';

function noneOfAborted(error: unknown): string {
  if (error instanceof Error && error.name === 'AbortError') return NO_ANSWER;
  throw error;
}

/** How many are gone; a refusal is told on stderr, and the others are tried still. */
export async function deleteAll(
  found: readonly StaleHere[],
): Promise<{ gone: number; refused: number }> {
  let gone = 0;
  let refused = 0;
  for (const { path, stale } of found) {
    if (stale.length === 0) continue;
    const rows = rowsOf(stale.map(({ entry }) => rowOf(entry)));
    const socket = ConntrackSocket.open({ netns: path });
    const errors = socket.change('delete', rows);
    await socket.close();
    errors.forEach((errno, row) => {
      if (errno === 0) gone++;
      const refusal = refusalAt('delete', rows, row, errno, path);
      // gone already
      if (refusal === undefined || errnoName(errno) === 'ENOENT') return;
      refused++;
      const { text, hint } = refusal;
      process.stderr.write(
        describeError(new TraceError('kernel', `delete: ${text}`, hintOf(hint))),
      );
    });
  }
  return { gone, refused };
}

function rowOf(entry: Entry): Int32Array {
  return namedRow(wordsOfLine(nameOptions(entry, true).join(' ')));
}
