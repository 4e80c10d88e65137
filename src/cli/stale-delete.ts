/** Entries deleted, once somebody has agreed to it. */
import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import { deleteEntries } from '../kernel/conntrack-table.ts';
import { TraceError } from '../model/error.ts';
import { describeError } from './failure.ts';
import type { StaleHere } from './stale-netns.ts';

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
export function deleteAll(found: readonly StaleHere[]): { gone: number; refused: number } {
  let gone = 0;
  let refused = 0;
  for (const { path, stale } of found) {
    for (const { deleteArguments } of stale) {
      try {
        gone += deleteEntries(deleteArguments, path);
      } catch (error) {
        refused++;
        process.stderr.write(describeError(error));
      }
    }
  }
  return { gone, refused };
}
