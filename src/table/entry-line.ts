/** A line of `-o save`: conntrack(8)'s options, as they are on its command line. */
import { TraceError } from '../model/error.ts';
import { ENTRY_OPTIONS, type EntryOption, type EntryWords } from './entry-options.ts';
import { shown } from './parse-tokens.ts';

const FLAGS: ReadonlyMap<string, EntryOption> = new Map(
  (ENTRY_OPTIONS as readonly EntryOption[]).flatMap((option) => [
    ...option.long.map((name) => [`--${name}`, option] as const),
    ...(option.short === undefined ? [] : [[option.short, option] as const]),
  ]),
);

/** The words of one line of `-o save`, `-A` and the like in front left out. */
export function wordsOfLine(line: string): EntryWords {
  const words = line.trim().split(/\s+/);
  const given: Record<string, string> = {};
  let index = /^(-A|-I|--add|--create)$/.test(words[0] ?? '') ? 1 : 0;
  while (index < words.length) {
    const word = words[index++]!;
    const option = FLAGS.get(word);
    if (option === undefined) throw wrongWord(word);
    const value = words[index];
    const hasValue = value !== undefined && !(option.isFlag && value.startsWith('-'));
    if (!hasValue && !option.isFlag) throw withoutValue(word);
    given[option.key] = hasValue ? value : '';
    if (hasValue) index++;
  }
  return given;
}

function wrongWord(word: string): TraceError {
  return new TraceError('usage', `found "${shown(word)}", needed an option of conntrack(8)`);
}

function withoutValue(word: string): TraceError {
  return new TraceError('usage', `found ${word} at the end of a line, needed a value behind it`);
}
