/** What would be changed or deleted, shown before somebody agrees to it. */
import type { ConntrackSocket } from '../libbpf/conntrack-socket.ts';
import type { EntryRows } from '../model/entry-row.ts';
import { TraceError } from '../model/error.ts';
import { Exit, endWith } from './exit.ts';
import { isAgreed } from './stale-delete.ts';

const SAMPLES = 3;

export interface Meant {
  readonly kind: 'update' | 'delete';
  readonly count: number;
  /** Lines of some of them; asked for only where somebody reads them. */
  readonly samples: () => string[];
  /** The command that lists them all. */
  readonly list: string;
  readonly yes: boolean | undefined;
  /** What one is, and more of them. */
  readonly nouns?: readonly [string, string];
}

/** One entry may be changed without a question; more need an answer, or --yes. */
export async function isMeant(meant: Meant): Promise<boolean> {
  const { kind, count, samples, list, yes, nouns = ['entry', 'entries'] } = meant;
  if (count === 0) {
    throw new TraceError('missing', `found no ${nouns[0]} to ${kind}, needed one that matches`, {
      hint: list,
    });
  }
  if (count === 1 || yes) return true;
  if (!process.stdin.isTTY) {
    const found = `found ${count} ${nouns[1]} to ${kind}`;
    throw new TraceError('usage', `${found} and no terminal to ask on, needed --yes`, {
      hint: list,
    });
  }
  const some = samples();
  process.stderr.write(some.join(''));
  if (count > some.length) process.stderr.write(`and ${count - some.length} more\n`);
  return (await isAgreed(count, kind, nouns)) || declined(kind);
}

function declined(kind: Meant['kind']): false {
  process.stderr.write(`nothing ${kind}d\n`);
  endWith(Exit.failed);
  return false;
}

/** Conntrack's lines of the first few rows, each ended. */
export function sampleLines(socket: ConntrackSocket, rows: EntryRows): string[] {
  const chosen = Uint32Array.from({ length: Math.min(SAMPLES, rows.length) }, (_, row) => row);
  const texts = Array.from(socket.lines(chosen, 0, rows), (bytes) => Buffer.from(bytes).toString());
  return texts.join('').match(/.*\n/g) ?? [];
}
