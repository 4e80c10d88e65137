/** Entries in order, and the first few of them, without keeping all. */
import {
  byteAt,
  ENTRY_WORDS,
  EntryHas,
  EntryRows,
  EntryWord,
  halfAt,
  NO_MESSAGE,
  wideAt,
} from '../model/entry-row.ts';
import { type EntryMemory, totalAt } from '../table/show-text.ts';

type Key = (words: Int32Array, at: number) => number;

const unsigned = (word: number) => (words: Int32Array, at: number) => words[at + word]! >>> 0;
const counted = (of: 'packets' | 'bytes') => (words: Int32Array, at: number) =>
  -Number(totalAt(words, at, of) ?? notedAt(words, at, of) ?? -1n);

/** Of an entry that the kernel did not count: what add() noted instead. */
function notedAt(words: Int32Array, at: number, of: 'packets' | 'bytes'): bigint | undefined {
  return wideAt(words, at + EntryWord[of]) || undefined;
}

/** Of both directions, by another count than the kernel's; null: not counted. */
export type Totals = (
  memory: EntryMemory,
  at: number,
) => { readonly packets: bigint; readonly bytes: bigint } | null;

/** The smallest first: what is wanted largest first is negative. */
const KEYS = {
  bytes: counted('bytes'),
  packets: counted('packets'),
  timeout: (words, at) => -(words[at + EntryWord.timeoutS]! >>> 0),
  age: (words, at) => Number(wideAt(words, at + EntryWord.startNs)) || Number.MAX_VALUE,
  mark: unsigned(EntryWord.mark),
  id: unsigned(EntryWord.id),
  protocol: (words, at) => byteAt(words, at, 1),
  state: (words, at) => byteAt(words, at, 1) * 256 + byteAt(words, at, 2),
  sport: (words, at) => halfAt(words, at + EntryWord.origPorts, 0),
  dport: (words, at) => halfAt(words, at + EntryWord.origPorts, 1),
  src: undefined,
  dst: undefined,
} satisfies Readonly<Record<string, Key | undefined>>;

export type SortKey = keyof typeof KEYS;
export const SORT_KEYS = Object.keys(KEYS) as SortKey[];

type Compare = (words: Int32Array, one: number, other: number) => number;

function comparison(key: SortKey): Compare {
  const value: Key | undefined = KEYS[key];
  if (value !== undefined) return (words, one, other) => value(words, one) - value(words, other);
  const from = (key === 'src' ? EntryWord.origSrc : EntryWord.origDst) * 4;
  return (words, one, other) => {
    const bytes = Buffer.from(words.buffer, words.byteOffset, words.byteLength);
    const [a, b] = [one * 4 + from, other * 4 + from];
    return bytes.compare(bytes, b, b + 16, a, a + 16);
  };
}

const FIRST_ROWS = 8192;

/** Collects entries; holds at most twice as many as are wanted, and a batch. */
export class SortedEntries {
  private rows = new EntryRows(FIRST_ROWS);
  private readonly compare: Compare;
  private readonly top: number;
  private readonly totals: Totals | undefined;

  /** `totals`: for entries that the kernel does not count. */
  constructor(key: SortKey, top: number, totals?: Totals) {
    this.compare = comparison(key);
    this.top = top;
    this.totals = totals;
  }

  add(words: Int32Array, at: number): void {
    if (this.rows.length === this.rows.capacity) this.makeRoom();
    this.rows.append(words, at);
    const to = (this.rows.length - 1) * ENTRY_WORDS;
    // its message will be gone
    this.rows.words[to + EntryWord.message] = NO_MESSAGE;
    if (!(words[at + EntryWord.has]! & EntryHas.origCounts)) this.note(to);
  }

  /** In words that the kernel left empty, and that no reader looks at. */
  private note(to: number): void {
    const { words } = this.rows;
    const totals = this.totals?.(this.rows, to);
    if (!totals) return;
    for (const of of ['packets', 'bytes'] as const) {
      words[to + EntryWord[of]] = Number(BigInt.asIntN(32, totals[of]));
      words[to + EntryWord[of] + 1] = Number(BigInt.asIntN(32, totals[of] >> 32n));
    }
  }

  /** In order, at most as many as are wanted. */
  take(): { rows: EntryRows; chosen: Uint32Array } {
    return { rows: this.rows, chosen: this.ordered().subarray(0, this.top) };
  }

  private ordered(): Uint32Array {
    const { words, length } = this.rows;
    const order = Uint32Array.from({ length }, (_, index) => index);
    return order.sort(
      (one, other) => this.compare(words, one * ENTRY_WORDS, other * ENTRY_WORDS) || one - other,
    );
  }

  private makeRoom(): void {
    const keep = this.rows.length > 2 * this.top ? this.ordered().subarray(0, this.top) : undefined;
    const old = this.rows;
    this.rows = new EntryRows(keep === undefined ? old.capacity * 2 : old.capacity);
    if (keep === undefined) {
      this.rows.words.set(old.words);
      this.rows.length = old.length;
      return;
    }
    for (const row of keep) this.rows.append(old.words, row * ENTRY_WORDS);
  }
}
