import { describe, expect, it } from 'vitest';
import * as codes from '../../src/model/codes.ts';
import { layoutOf, NULL_WORDS } from '../../src/model/row-layout.ts';
import { NameTable, RowBuffer } from '../../src/model/rows.ts';
import { FLOWS, TABLES } from '../../src/model/tables.ts';
import { RecordKind } from '../../src/wire/layout.ts';

const { kinds: ROOM, ...KINDS } = RecordKind;
const WORDS = { u64: 2, timestamp: 2, address: 4 } as const;

describe.each(TABLES)('table $name', (table) => {
  const layout = layoutOf(table);

  it('lays its columns side by side, none over another', () => {
    let word = NULL_WORDS;
    table.columns.forEach(({ name, type }, index) => {
      expect([layout.at(name), layout.index(name)]).toEqual([word, index]);
      word += WORDS[type as keyof typeof WORDS] ?? 1;
    });
    expect(layout.stride).toBe(word + (word % 2));
  });

  it('has a null bit for each column', () => {
    expect(table.columns.length).toBeLessThanOrEqual(NULL_WORDS * 32);
  });

  it('says what each column means, and the words of each code', () => {
    for (const { name, meaning, type, words } of table.columns) {
      expect(meaning, name).not.toBe('');
      expect(words === undefined, name).toBe(type !== 'code');
    }
  });

  it('refuses a column that it has not', () => {
    const message = `table ${table.name} has no column nothing`;
    expect(() => layout.at('nothing')).toThrow(new RangeError(message));
    expect(() => layout.index('nothing')).toThrow(new RangeError(message));
  });
});

describe('codes', () => {
  /** `nullMapping` and `null mapping`. */
  const worded = (name: string): string => name.replace(/[A-Z]/g, (a) => ` ${a.toLowerCase()}`);

  it.each([
    ['Hook', codes.Hook, codes.HOOKS],
    ['Verdict', codes.Verdict, codes.VERDICTS],
    ['State', codes.State, codes.STATES],
    ['Decision', codes.Decision, codes.DECISIONS],
    ['Mapping', codes.Mapping, codes.MAPPINGS],
    ['Confirm', codes.Confirm, codes.CONFIRMS],
    ['End', codes.End, codes.ENDS],
    ['RecordKind', KINDS, codes.PROBES],
  ])('%s are the places of their words', (_, numbers, words) => {
    for (const [name, number] of Object.entries<number>(numbers)) {
      expect(words[number]).toBe(worded(name));
    }
  });

  it('leave room for every kind of record', () => {
    expect(Math.max(...Object.values(KINDS))).toBeLessThan(ROOM);
    expect(codes.PROBES).toHaveLength(Object.keys(KINDS).length + 1);
  });

  it('name the protocols they know, and number the others', () => {
    expect([6, 58, 253].map(codes.protocolName)).toEqual(['tcp', 'icmpv6', '253']);
  });
});

describe('RowBuffer', () => {
  it('gives zeroed rows until it is full, and again when it was cleared', () => {
    const rows = new RowBuffer(FLOWS, 2);
    for (let turn = 0; turn < 2; turn++) {
      expect([rows.next(), rows.isFull]).toEqual([0, false]);
      expect([rows.next(), rows.isFull]).toEqual([rows.layout.stride, true]);
      expect(rows.words.every((word) => word === 0)).toBe(true);
      rows.words.fill(-1);
      rows.clear();
    }
  });
});

describe('NameTable', () => {
  it('numbers names in the order of their first use', () => {
    const names = new NameTable();
    expect(['b', 'a', 'b', 'toString', 'a'].map((name) => names.numberOf(name))).toEqual([
      0, 1, 0, 2, 1,
    ]);
    expect(names.names).toEqual(['b', 'a', 'toString']);
  });
});
