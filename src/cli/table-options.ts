/** Options of conntrack(8) on the command line: one list for all subcommands (table/entry-options.ts). */
import { type Command, Option } from 'commander';
import { quoteCommand } from '../lab/quote.ts';
import { ENTRY_OPTIONS, type EntryKey, type EntryWords } from '../table/entry-options.ts';

/** What tells which entries are meant. */
export const FILTER_KEYS: readonly EntryKey[] = [
  ...(['family', 'protonum', 'origSrc', 'origDst', 'replySrc', 'replyDst'] as const),
  ...(['maskSrc', 'maskDst', 'sport', 'dport', 'replySport', 'replyDport'] as const),
  ...(['icmpType', 'icmpCode', 'icmpId', 'srckey', 'dstkey'] as const),
  ...(['replySrckey', 'replyDstkey', 'state', 'status', 'mark'] as const),
  ...(['zone', 'origZone', 'replyZone', 'label', 'srcNat', 'dstNat', 'anyNat'] as const),
];

/** What names one entry. */
export const NAME_KEYS: readonly EntryKey[] = [
  ...(['family', 'protonum', 'origSrc', 'origDst', 'replySrc', 'replyDst'] as const),
  ...(['sport', 'dport', 'replySport', 'replyDport', 'icmpType', 'icmpCode', 'icmpId'] as const),
  ...(['srckey', 'dstkey', 'replySrckey', 'replyDstkey'] as const),
  ...(['zone', 'origZone', 'replyZone'] as const),
];

/** What names one expectation. conntrack(8) wants a reply tuple as well; nobody looks at it. */
export const EXPECT_NAME_KEYS: readonly EntryKey[] = [
  ...(['family', 'protonum', 'origSrc', 'origDst', 'replySrc', 'replyDst'] as const),
  ...(['sport', 'dport', 'replySport', 'replyDport', 'zone'] as const),
];

type Values = Readonly<Record<string, unknown>>;

interface Listed {
  readonly key: EntryKey;
  readonly short?: string;
  readonly long: readonly string[];
  readonly value: string;
  readonly isFlag?: true;
  readonly meaning: string;
}

const LISTED: readonly Listed[] = ENTRY_OPTIONS;

/** Where an option means other things than it does to match: one entry is named or made, its bits are set. */
type Meanings = Partial<Readonly<Record<EntryKey, string>>>;
export const OF_ONE: Meanings = { origSrc: 'source of the original tuple' };
export const SET: Meanings = { status: 'SEEN_REPLY, ASSURED, FIXED_TIMEOUT: what is set' };

export function addEntryOptions(
  command: Command,
  keys: readonly EntryKey[],
  meanings: Meanings = {},
): Command {
  for (const { key, short, long, value, isFlag, meaning } of LISTED) {
    if (!keys.includes(key)) continue;
    const wanted = isFlag ? value.replace(/^<(.*)>$/, '[$1]') : value;
    long.forEach((name, index) => {
      const prefix = index === 0 && short !== undefined ? `${short}, ` : '';
      const option = new Option(`${prefix}--${name} ${wanted}`, meanings[key] ?? meaning);
      if (ADDED_UP.has(key)) option.argParser(joined);
      command.addOption(index === 0 ? option : option.hideHelp());
    });
  }
  return command;
}

/** Given several times, all of them are meant, as in conntrack(8). */
const ADDED_UP: ReadonlySet<EntryKey> = new Set(['label', 'labelAdd', 'labelDel']);

function joined(value: string, before: unknown): string {
  return typeof before === 'string' ? `${before},${value}` : value;
}

/** The names that commander has for what was given of them. */
export function attributesOf(keys: readonly EntryKey[]): string[] {
  return LISTED.filter(({ key }) => keys.includes(key)).flatMap(({ long }) =>
    long.map(attributeOf),
  );
}

/** What was given of them, by key; a flag without a value is ''. */
export function entryWords(options: Values): EntryWords {
  const given: Partial<Record<EntryKey, string>> = {};
  for (const { key, long } of LISTED) {
    const value = long.map((name) => options[attributeOf(name)]).find((one) => one !== undefined);
    if (value !== undefined) given[key] = value === true ? '' : String(value);
  }
  return given;
}

/** The command that lists what these options match, to be pasted. */
export function listCommand(words: EntryWords, netns: string | undefined): string {
  const options = LISTED.flatMap(({ key, short, long }) => {
    const value = words[key];
    if (value === undefined) return [];
    return [short ?? `--${long[0]}`, ...(value === '' ? [] : [value])];
  });
  const place = netns === undefined ? [] : ['--netns', netns];
  return quoteCommand(['conntrail', 'table', 'list', ...place, ...options]);
}

function attributeOf(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** `--netns`: of one namespace. */
export function addNetnsOption(command: Command): Command {
  return command.option('--netns <name>', 'in this namespace: a name, an inode, or pid:N');
}
