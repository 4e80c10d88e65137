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

/** On stderr, so that a list on stdout stays a list. */
export async function isAgreed(count: number): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const noun = count === 1 ? 'entry' : 'entries';
    // Ctrl-C and Ctrl-D close, and then nothing answers the question
    const closed = once(lines, 'close').then(() => '\n');
    const answer = await Promise.race([lines.question(`delete ${count} ${noun}? [y/N] `), closed]);
    if (answer === '\n') process.stderr.write(answer);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    lines.close();
  }
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
