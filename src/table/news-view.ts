/**
 * What is known of the table while its news are followed. News that the kernel
 * threw away are made up for from a listing: each entry is told new once and
 * gone once, whatever the order in which news and listing tell it. In: rows
 * (model/entry-row.ts). Out: whether a row tells something; rows of our own for
 * what no news told.
 */
import {
  ENTRY_WORDS,
  EntryHas,
  EntryRows,
  EntryWord,
  News,
  NO_MESSAGE,
} from '../model/entry-row.ts';

const FIRST_ROWS = 1024;
/** An id alone is a hash of 32 bits: two entries of a large table may share it. */
const TUPLE_RANGE = 2 ** 20;

function keyAt(words: Int32Array, at: number): number {
  let hash = words[at + EntryWord.origPorts]!;
  for (let word = EntryWord.origSrc; word < EntryWord.replySrc; word++) {
    hash = Math.imul(hash ^ words[at + word]!, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return (words[at + EntryWord.id]! >>> 0) * TUPLE_RANGE + ((hash >>> 0) % TUPLE_RANGE);
}

/** What a listing after an overrun found. */
export interface Repair {
  /** Rows that name no message, `news` set to what they are. */
  readonly rows: EntryRows;
  readonly appeared: number;
  readonly changed: number;
  readonly gone: number;
}

/** Words that a change shows in. */
const CHANGING = [EntryWord.status, EntryWord.mark, EntryWord.labels] as const;

export class NewsView {
  private rows = new EntryRows(FIRST_ROWS);
  private readonly places = new Map<number, number>();
  private readonly free: number[] = [];

  get size(): number {
    return this.places.size;
  }

  /** An entry of the first listing. */
  put(words: Int32Array, at: number): void {
    const key = keyAt(words, at);
    const known = this.places.get(key);
    const place = known ?? this.free.pop() ?? this.fresh();
    this.places.set(key, place);
    this.rows.words.set(words.subarray(at, at + ENTRY_WORDS), place * ENTRY_WORDS);
  }

  /** Takes one piece of news; false where a listing told the same, or will. */
  take(words: Int32Array, at: number): boolean {
    const key = keyAt(words, at);
    const place = this.places.get(key);
    const news = (words[at]! >>> 24) & 0xff;
    if (news === News.destroy) {
      if (place === undefined) return false;
      this.places.delete(key);
      this.free.push(place);
      return true;
    }
    if (place === undefined) {
      // a change of what nobody knows: gone by the last listing, or the next one tells it
      if (news === News.new) this.put(words, at);
      return news === News.new;
    }
    this.merge(words, at, place);
    return news === News.update;
  }

  /** Holds a whole listing against what is known, and makes it what is known. */
  repair(listed: EntryRows): Repair {
    const rows = new EntryRows(Math.max(1, listed.length + this.size));
    const seen = new Set<number>();
    const counts = { appeared: 0, changed: 0, gone: 0 };
    for (let row = 0; row < listed.length; row++) {
      const at = row * ENTRY_WORDS;
      const key = keyAt(listed.words, at);
      const place = this.places.get(key);
      seen.add(key);
      if (place === undefined) {
        counts.appeared++;
        tell(rows, listed.words, at, News.new);
      } else if (this.isOther(listed.words, at, place)) {
        counts.changed++;
        tell(rows, listed.words, at, News.update);
      }
      this.put(listed.words, at);
    }
    for (const [key, place] of this.places) {
      if (seen.has(key)) continue;
      counts.gone++;
      tell(rows, this.rows.words, place * ENTRY_WORDS, News.destroy);
      this.places.delete(key);
      this.free.push(place);
    }
    return { rows, ...counts };
  }

  /** What news left out stays as it was. */
  private merge(words: Int32Array, at: number, place: number): void {
    const to = place * ENTRY_WORDS;
    const own = this.rows.words;
    const has = words[at + EntryWord.has]!;
    if (has & EntryHas.status) own[to + EntryWord.status] = words[at + EntryWord.status]!;
    if (has & EntryHas.mark) own[to + EntryWord.mark] = words[at + EntryWord.mark]!;
    if (has & EntryHas.state) {
      own[to] = (own[to]! & ~0xff0000) | (words[at]! & 0xff0000);
    }
    if (has & EntryHas.labels) {
      for (let word: number = EntryWord.labels; word < EntryWord.helper; word++) {
        own[to + word] = words[at + word]!;
      }
    }
    own[to + EntryWord.has]! |= has;
  }

  private isOther(words: Int32Array, at: number, place: number): boolean {
    const own = this.rows.words;
    const to = place * ENTRY_WORDS;
    if (((own[to]! ^ words[at]!) & 0xff0000) !== 0) return true;
    return CHANGING.some((word) => own[to + word] !== words[at + word]);
  }

  private fresh(): number {
    if (this.rows.length === this.rows.capacity) {
      const old = this.rows;
      this.rows = new EntryRows(old.capacity * 2);
      this.rows.words.set(old.words);
      this.rows.length = old.length;
    }
    return this.rows.length++;
  }
}

function tell(rows: EntryRows, words: Int32Array, at: number, news: number): void {
  rows.append(words, at);
  const to = (rows.length - 1) * ENTRY_WORDS;
  rows.words[to] = (rows.words[to]! & 0xffffff) | (news << 24);
  rows.words[to + EntryWord.message] = NO_MESSAGE;
}
