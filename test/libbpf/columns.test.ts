/** native/columns.c by itself; the rows of tables that it makes are tested in test/rebuild. */
import { describe, expect, it } from 'vitest';
import { BitPack, PacketFill } from '../../src/libbpf/columns.ts';

describe.each([1, 7, 8, 9, 16, 65])('bits of %i rows', (rows) => {
  const COLUMN = 8; // where the words begin
  const bitsAt = 400;
  const patterns = {
    all: () => true,
    none: () => false,
    some: (row: number) => row % 3 === 0,
    'the last': (row: number) => row === rows - 1,
    'all but the last': (row: number) => row !== rows - 1,
  };

  it.each(Object.entries(patterns))('are packed and counted: %s', (_, isSet) => {
    const memory = new ArrayBuffer(1024);
    const words = new Int32Array(memory, COLUMN, rows + 3).fill(-1); // rubbish after the rows
    new Uint8Array(memory).fill(0x55, bitsAt);
    for (let row = 0; row < rows; row++) words[row] = (isSet(row) ? 1 << 31 : 0) | ((row % 2) << 9);
    const [set, odd] = new BitPack([
      { words: COLUMN, bit: 31, bits: bitsAt },
      { words: COLUMN, bit: 9, bits: bitsAt + 100 },
    ]).pack(memory, rows);
    const expected = Array.from({ length: rows }, (_, row) => isSet(row));
    const bits = new Uint8Array(memory, bitsAt, (rows + 7) >>> 3);
    expect(expected.map((_, row) => ((bits[row >>> 3]! >>> (row & 7)) & 1) === 1)).toEqual(
      expected,
    );
    expect(bits.at(-1)! >>> (((rows - 1) & 7) + 1), 'past the last row').toBe(0);
    expect(set).toBe(expected.filter(Boolean).length);
    expect(odd).toBe(rows >>> 1);
    expect(new Uint8Array(memory)[bitsAt + bits.length]).toBe(0x55);
  });
});

it('refuses to read records that are not staged', () => {
  const states = [new Uint8Array(256), new Uint8Array(256)] as const;
  const plan = { clockOffsetNs: 0n, columns: [], states };
  const fill = new PacketFill(new Int32Array(8), plan);
  const memory = new ArrayBuffer(8);
  const words = new Int32Array(8);
  const job = { memory, firstRow: 0, firstNumber: 1, count: 3, records: words, flows: words };
  expect(() => fill.fill(job)).toThrow('3 are not staged');
});
