/** A listing of the table, of which only the entries are wanted. */
import type { Entry } from '../model/entry.ts';
import { TraceError } from '../model/error.ts';
import { plainEntry } from './parse-entry.ts';
import { lineFields } from './parse-line.ts';
import { tokensOf } from './parse-tokens.ts';

/** Undefined: a line that is no entry. */
export function parseEntryLine(line: string): Entry | undefined {
  const fields = lineFields(tokensOf(line));
  if (fields === undefined) return undefined;
  try {
    return plainEntry(fields);
  } catch (error) {
    if (error instanceof TraceError) return undefined;
    throw error;
  }
}

export function parseEntries(text: string): Entry[] {
  return text.split('\n').flatMap((line) => parseEntryLine(line) ?? []);
}
