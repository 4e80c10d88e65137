import { describe, expect, it } from 'vitest';
import { ENTRY_WORDS, EntryHas, EntryRows, EntryWord, News } from '../../src/model/entry-row.ts';
import { NewsView } from '../../src/table/news-view.ts';
import { seeded } from '../wire/random.ts';

interface Entry {
  readonly id: number;
  readonly port: number;
  mark: number;
}

function rowOf({ id, port, mark }: Entry, news: number): Int32Array {
  const row = new Int32Array(ENTRY_WORDS);
  row[EntryWord.kind] = 4 | (17 << 8) | (news << 24);
  row[EntryWord.has] = EntryHas.orig | EntryHas.origPorts | EntryHas.id | EntryHas.mark;
  row[EntryWord.id] = id;
  row[EntryWord.origPorts] = port;
  row[EntryWord.mark] = mark;
  return row;
}

function rowsOf(entries: Iterable<Entry>): EntryRows {
  const list = [...entries];
  const rows = new EntryRows(Math.max(1, list.length));
  for (const entry of list) rows.append(rowOf(entry, News.listed), 0);
  return rows;
}

/** What a reader of the news believes. */
class Reader {
  readonly marks = new Map<string, number>();
  /** Entries told new twice, or gone without having been there. */
  readonly mistakes: string[] = [];

  hear(words: Int32Array, at: number): void {
    const name = `${words[at + EntryWord.id]}:${words[at + EntryWord.origPorts]}`;
    const news = (words[at]! >>> 24) & 0xff;
    const isKnown = this.marks.has(name);
    if ((news === News.new) === isKnown) this.mistakes.push(`${news} of ${name}`);
    if (news === News.destroy) this.marks.delete(name);
    else this.marks.set(name, words[at + EntryWord.mark]!);
  }
}

const marksOf = (entries: Iterable<Entry>) =>
  new Map([...entries].map(({ id, port, mark }) => [`${id}:${port}`, mark]));

describe('a view of the table', () => {
  it('takes each new entry once, and each end once', () => {
    const view = new NewsView();
    const entry = { id: 7, port: 1, mark: 3 };
    const take = (news: number) => view.take(rowOf(entry, news), 0);
    expect(take(News.destroy)).toBe(false);
    expect(take(News.update)).toBe(false);
    expect(take(News.new)).toBe(true);
    expect(take(News.new)).toBe(false);
    expect(take(News.update)).toBe(true);
    expect(take(News.destroy)).toBe(true);
    expect(take(News.destroy)).toBe(false);
    expect(view.size).toBe(0);
  });

  it('tells entries of one id apart by their tuples', () => {
    const view = new NewsView();
    for (const port of [1, 2])
      expect(view.take(rowOf({ id: 7, port, mark: 0 }, News.new), 0)).toBe(true);
    expect(view.size).toBe(2);
  });

  it('tells what a listing has and the news had not', () => {
    const view = new NewsView();
    for (const id of [1, 2, 3]) view.take(rowOf({ id, port: 1, mark: 0 }, News.new), 0);
    const listed = rowsOf([
      { id: 2, port: 1, mark: 0 },
      { id: 3, port: 1, mark: 9 },
      { id: 4, port: 1, mark: 0 },
    ]);
    const { rows, ...counts } = view.repair(listed);
    expect(counts).toEqual({ appeared: 1, changed: 1, gone: 1 });
    const told = Array.from({ length: rows.length }, (_, row) => {
      const at = row * ENTRY_WORDS;
      return [rows.words[at + EntryWord.id], (rows.words[at]! >>> 24) & 0xff];
    });
    expect(told.sort()).toEqual([
      [1, News.destroy],
      [3, News.update],
      [4, News.new],
    ]);
    expect(view.repair(listed).rows.length).toBe(0);
  });

  // News are lost, come late, and again what a listing told: the order of the kernel's own race.
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('ends as the table does, whatever is lost (%i)', (seed) => {
    const random = seeded(seed);
    const table = new Map<number, Entry>();
    const view = new NewsView();
    const reader = new Reader();
    let waiting: Int32Array[] = [];
    let nextId = 1;
    const deliver = () => {
      for (const row of waiting) if (view.take(row, 0)) reader.hear(row, 0);
      waiting = [];
    };
    for (let step = 0; step < 3000; step++) {
      const entry = random.pick([...table.values(), undefined]);
      const action = entry === undefined ? 0 : random.below(3);
      if (action === 0) {
        const fresh = { id: nextId++ % 97, port: nextId, mark: 0 };
        table.set(fresh.port, fresh);
        waiting.push(rowOf(fresh, News.new));
      } else if (action === 1) {
        entry!.mark++;
        waiting.push(rowOf(entry!, News.update));
      } else {
        table.delete(entry!.port);
        waiting.push(rowOf(entry!, News.destroy));
      }
      if (random.below(40) === 0) deliver();
      if (random.below(60) === 0) {
        // thrown away: the rest is read, then the table is listed, and news that came meanwhile follow
        const late = random.below(4);
        const kept = waiting.slice(waiting.length - late);
        waiting = waiting.slice(0, random.below(3));
        deliver();
        const { rows } = view.repair(rowsOf(table.values()));
        for (let row = 0; row < rows.length; row++) reader.hear(rows.words, row * ENTRY_WORDS);
        waiting = kept.filter((row) => late > 0 && row[EntryWord.id] !== undefined);
      }
    }
    deliver();
    const { rows } = view.repair(rowsOf(table.values()));
    for (let row = 0; row < rows.length; row++) reader.hear(rows.words, row * ENTRY_WORDS);
    expect(reader.marks).toEqual(marksOf(table.values()));
    expect(view.size).toBe(table.size);
    expect(reader.mistakes).toEqual([]);
  });
});
