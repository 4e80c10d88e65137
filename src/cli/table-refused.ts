/** What became of entries that were asked for, and why the kernel refused some. */
import type { ChangeKind } from '../libbpf/conntrack-socket.ts';
import { errnoName } from '../libbpf/failure.ts';
import { ENTRY_WORDS, type EntryRows } from '../model/entry-row.ts';
import { TraceError } from '../model/error.ts';
import { type Refusal, refusalOf } from '../table/refusal.ts';
import { Exit, endWith } from './exit.ts';
import { describeError } from './failure.ts';
import { inNetns } from './table-place.ts';

/** Of a row that was sent to the namespace at `path`; undefined: the kernel did it. */
export function refusalAt(
  kind: ChangeKind,
  rows: EntryRows,
  row: number,
  errno: number,
  path: string | undefined,
): Refusal | undefined {
  if (errno === 0) return undefined;
  const sent = { words: rows.words, at: row * ENTRY_WORDS };
  const refusal = refusalOf(errnoName(errno), kind, sent);
  const { hint, isForNetns } = refusal;
  return isForNetns && hint ? { ...refusal, hint: inNetns(path, hint) } : refusal;
}

export interface Done {
  readonly kind: ChangeKind;
  /** That matched. */
  readonly count: number;
  /** Those of them that were as they shall be. */
  readonly same: number;
  /** What was sent, and an errno for each. */
  readonly rows: EntryRows;
  readonly errors: Int32Array;
  readonly path: string | undefined;
}

/** Entries that are gone by now were on their way out: no failure. */
export function report({ kind, count, same, rows, errors, path }: Done): void {
  const done = errors.filter((errno) => errno === 0).length;
  const were = same === 0 ? '' : `, ${same} ${same === 1 ? 'was' : 'were'} so already`;
  process.stderr.write(`${done} of ${count} ${kind}d${were}\n`);
  const refused = new Map<string, { count: number; hint: string | undefined }>();
  errors.forEach((errno, row) => {
    const refusal = refusalAt(kind, rows, row, errno, path);
    if (refusal === undefined || errnoName(errno) === 'ENOENT') return;
    const { text, hint } = refusal;
    refused.set(text, { count: (refused.get(text)?.count ?? 0) + 1, hint });
  });
  for (const [text, { count: times, hint }] of refused) {
    const told = new TraceError('kernel', `${kind}: ${times} refused: ${text}`, hintOf(hint));
    process.stderr.write(describeError(told));
    endWith(Exit.failed);
  }
}

export function hintOf(hint: string | undefined): { hint?: string } {
  return hint === undefined ? {} : { hint };
}
