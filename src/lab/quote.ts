/** Command lines for a POSIX shell that splits them into exactly the given words. */
import { TraceError } from '../model/error.ts';

/** Inside single quotes every byte stands for itself, except the quote. */
export function quoteWord(word: string): string {
  if (word.includes('\0')) {
    throw new TraceError('usage', 'an argument holds a NUL byte, no program can be given one');
  }
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  return `'${word.replaceAll("'", "'\\''")}'`;
}

export const quoteCommand = (argv: readonly string[]): string => argv.map(quoteWord).join(' ');
