/** Filter terms that pcap-filter(7) has no words for: where a packet is, and what conntrack made of it. */
import { netnsNames, netnsOfProcess } from '../kernel/netns.ts';
import { HOOKS, Hook } from '../model/codes.ts';
import { TraceError } from '../model/error.ts';

/** As written on the command line; lists are joined by commas. */
export interface PacketTermWords {
  readonly netns?: string | undefined;
  readonly interface?: string | undefined;
  readonly mark?: string | undefined;
  readonly zone?: string | undefined;
  readonly state?: string | undefined;
  readonly hook?: string | undefined;
  readonly direction?: string | undefined;
  readonly newOnly?: boolean | undefined;
}

export interface PacketTerms {
  readonly netns: readonly number[];
  readonly interfaces: readonly (string | number)[];
  readonly mark: number;
  /** 0 asks for no mark. */
  readonly markMask: number;
  readonly zones: readonly number[];
  readonly hooks: readonly (typeof HOOKS)[number][];
  /** Bit per enum ip_conntrack_info, 8 for a packet without an entry; 0 asks for none. */
  readonly ctinfos: number;
  readonly newOnly: boolean;
  /** Canonical: the options that say the same. */
  readonly text: string;
}

const MOST = 8; // FILTER_PLACES
const LARGEST = 0xffff_ffff;
const NAME_BYTES = 15; // IFNAMSIZ without the NUL

/** What `ct state` of nft calls invalid has no entry. */
const STATE_CTINFOS = {
  new: [2],
  established: [0, 3],
  related: [1, 4],
  invalid: [8],
  untracked: [7],
} as const;
const DIRECTION_CTINFOS = { original: [0, 1, 2], reply: [3, 4] } as const;
const NEW_CTINFOS = [2, 1];

/** Namespaces of `ip netns` by name, as of now. */
export type Namespaces = () => Readonly<Record<string, string>>;

export function parsePacketTerms(
  words: PacketTermWords,
  namespaces: Namespaces = netnsNames,
): PacketTerms {
  const states = list('state', words.state, (word) => oneOf('state', word, STATE_CTINFOS));
  const directions = list('direction', words.direction, (word) =>
    oneOf('direction', word, DIRECTION_CTINFOS),
  );
  const terms = {
    netns: list('netns', words.netns, (word) => parseNetns(word, namespaces)),
    interfaces: list('interface', words.interface, parseInterface),
    ...parseMark(words.mark),
    zones: list('zone', words.zone, (word) =>
      whole('zone', word, 65535, 'zone numbers from 0 to 65535'),
    ),
    hooks: list('hook', words.hook, (word) => oneOf('hook', word, Hook)),
    newOnly: words.newOnly ?? false,
    ctinfos: ctinfosOf([
      states.flatMap((state) => STATE_CTINFOS[state]),
      directions.flatMap((direction) => DIRECTION_CTINFOS[direction]),
      words.newOnly ? NEW_CTINFOS : [],
    ]),
  };
  return { ...terms, text: describe(terms, states, directions) };
}

/** What all that ask for something allow. */
function ctinfosOf(asked: readonly (readonly number[])[]): number {
  const masks = asked
    .filter((ctinfos) => ctinfos.length > 0)
    .map((ctinfos) => ctinfos.reduce((mask, ctinfo) => mask | (1 << ctinfo), 0));
  const all = masks.reduce((mask, next) => mask & next, 0x1ff);
  if (all === 0) {
    throw new TraceError(
      'usage',
      'found --state, --direction and --new-only of which no packet has all, needed one that may',
      { hint: 'untracked and invalid packets have no direction, replies are never new' },
    );
  }
  return masks.length === 0 ? 0 : all;
}

function list<T>(option: string, words: string | undefined, parse: (word: string) => T): T[] {
  if (words === undefined) return [];
  const found = [...new Set(words.split(','))];
  if (found.length > MOST)
    throw refusal(option, words, `at most ${MOST} of them, joined by commas`);
  return found.map(parse);
}

function oneOf<Words extends object>(option: string, word: string, words: Words) {
  if (Object.hasOwn(words, word)) return word as keyof Words & string;
  throw refusal(option, word, `some of ${Object.keys(words).join(', ')}, joined by commas`);
}

function whole(option: string, word: string, most: number, needed: string): number {
  const value = /^(\d+|0x[0-9a-f]+)$/i.test(word) ? Number(word) : Number.NaN;
  if (value >= 0 && value <= most) return value;
  throw refusal(option, word, needed);
}

/** A name goes before a number. */
function parseNetns(word: string, namespaces: Namespaces): number {
  const names = Object.entries(namespaces());
  const named = names.find(([, name]) => name === word)?.[0];
  if (named !== undefined) return Number(named);
  const pid = /^pid:(\d+)$/.exec(word)?.[1];
  const inode = pid === undefined ? Number(word) : netnsOfProcess(Number(pid));
  if (inode !== undefined && inode > 0 && inode <= LARGEST) return inode;
  const known = names.map(([, name]) => name);
  const needed = `an inode, pid: and a process that runs, or one of ${known.join(', ') || 'ip netns list'}`;
  // that of the shell leads somewhere also where no namespace has a name
  throw refusal('netns', word, needed, `--netns ${known[0] ?? 'pid:$$'}`);
}

function parseInterface(word: string): string | number {
  if (/^[1-9]\d{0,8}$/.test(word)) return Number(word);
  if (/^[^\s/:,]+$/.test(word) && Buffer.byteLength(word) <= NAME_BYTES) return word;
  throw refusal('interface', word, `names of up to ${NAME_BYTES} bytes, or indexes`);
}

function parseMark(words: string | undefined): { mark: number; markMask: number } {
  if (words === undefined) return { mark: 0, markMask: 0 };
  const needed = 'value or value/mask of 32 bits, the value within the mask, the mask not 0';
  const [value = '', mask = `0x${LARGEST.toString(16)}`, ...more] = words.split('/');
  const markMask = whole('mark', mask, LARGEST, needed);
  const mark = whole('mark', value, LARGEST, needed);
  if (more.length > 0 || markMask === 0 || (mark & ~markMask) !== 0)
    throw refusal('mark', words, needed);
  return { mark, markMask };
}

function refusal(
  option: string,
  found: string,
  needed: string,
  example = EXAMPLES[option],
): TraceError {
  return new TraceError('usage', `--${option}: found "${found}", needed ${needed}`, {
    hint: `for example ${example}`,
  });
}

const EXAMPLES: Readonly<Record<string, string>> = {
  netns: '--netns pid:$$',
  interface: '--interface eth0,wg0',
  mark: '--mark 0x10/0xff',
  zone: '--zone 0,5',
  state: '--state new,invalid',
  hook: '--hook prerouting,postrouting',
  direction: '--direction reply',
};

function describe(
  terms: Omit<PacketTerms, 'text'>,
  states: readonly string[],
  directions: readonly string[],
): string {
  const hex = (value: number) => `0x${value.toString(16)}`;
  const mask = terms.markMask === LARGEST ? '' : `/${hex(terms.markMask)}`;
  const ordered = (known: readonly string[], found: readonly string[]) =>
    known.filter((word) => found.includes(word));
  const options: [string, readonly (string | number)[]][] = [
    ['netns', terms.netns],
    ['interface', terms.interfaces],
    ['mark', terms.markMask === 0 ? [] : [hex(terms.mark) + mask]],
    ['zone', terms.zones],
    ['state', ordered(Object.keys(STATE_CTINFOS), states)],
    ['hook', ordered(HOOKS, terms.hooks)],
    ['direction', ordered(Object.keys(DIRECTION_CTINFOS), directions)],
  ];
  const given = options.filter(([, found]) => found.length > 0);
  const said = given.map(([option, found]) => `--${option} ${found.join(',')}`);
  return [...said, ...(terms.newOnly ? ['--new-only'] : [])].join(' ');
}
