/** A rule of iptables-save(8) as options: matches with theirs, then the target with its own. */

export interface Option {
  /** Of `-m`: the match it belongs to; "" for those that iptables itself knows. */
  readonly match: string;
  /** `-s`, `--dport`; for `-m` and a match without options the match's name is in `match`. */
  readonly name: string;
  readonly isNegated: boolean;
  readonly values: readonly string[];
  /** As it was written, `!` included. */
  readonly text: string;
}

export interface ParsedRule {
  readonly options: readonly Option[];
  /** Of `-j` or `-g`; undefined for a rule that only counts. */
  readonly target: string | undefined;
  readonly isGoto: boolean;
  /** Of the target, by name without dashes; a flag has no value. */
  readonly settings: ReadonlyMap<string, string>;
}

interface Word {
  readonly value: string;
  readonly text: string;
  /** Begins an option; what stands in quotes never does. */
  readonly isOption: boolean;
}

/** Options whose one value may begin with a dash. */
const FREE_TEXT = new Set(['--comment', '--string', '--hex-string', '--log-prefix']);

export function parseRule(text: string): ParsedRule {
  const words = wordsOf(text);
  const end = words.findIndex(isTarget);
  const options = optionsOf(end < 0 ? words : words.slice(0, end));
  if (end < 0) return { options, target: undefined, isGoto: false, settings: new Map() };
  const settings = optionsOf(words.slice(end + 2)).map(({ name, values }): [string, string] => [
    name.replace(/^-+/, ''),
    values.join(' '),
  ]);
  return {
    options,
    target: words[end + 1]?.value,
    isGoto: words[end]!.text === '-g',
    settings: new Map(settings),
  };
}

/** Strings are in double quotes, with a backslash before a quote (xtables_save_string). */
function wordsOf(text: string): Word[] {
  return Array.from(text.matchAll(/"((?:\\.|[^"\\])*)"|\S+/g), ([word, quoted]) => ({
    value: quoted === undefined ? word : quoted.replace(/\\(.)/g, '$1'),
    text: word,
    isOption: quoted === undefined && /^-{1,2}[a-z]/i.test(word),
  }));
}

function isTarget({ text, isOption }: Word, index: number, words: readonly Word[]): boolean {
  const before = words[index - 1];
  if (before !== undefined && FREE_TEXT.has(before.text)) return false;
  return isOption && (text === '-j' || text === '-g');
}

function optionsOf(words: readonly Word[]): Option[] {
  const options: Option[] = [];
  let match = '';
  for (let index = 0; index < words.length; ) {
    const isNegated = words[index]!.text === '!';
    const start = index;
    if (isNegated) index++;
    const name = words[index++]?.text ?? '';
    const valuesAt = index;
    if (FREE_TEXT.has(name)) index++;
    else while (index < words.length && isValue(words[index]!)) index++;
    const values = words.slice(valuesAt, index).map(({ value }) => value);
    if (name === '-m') match = values[0] ?? '';
    const text = words.slice(start, index).map((word) => word.text);
    options.push({
      match: name === '-m' || name.startsWith('--') ? match : '',
      name,
      isNegated,
      values,
      text: text.join(' '),
    });
  }
  return options;
}

function isValue({ text, isOption }: Word): boolean {
  return !isOption && text !== '!';
}
