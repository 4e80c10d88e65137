/** A table of all types, random values for it, and its columns as the encoder gets them. */

import type { ColumnMemory } from '../../../src/export/parquet/rows.ts';
import type { Column, ColumnType, Table } from '../../../src/model/tables.ts';
import type { Row, Value } from '../fixtures.ts';

const TYPES: readonly ColumnType[] = [
  'bool',
  'u8',
  'u16',
  'u32',
  'u64',
  'timestamp',
  'address',
  'code',
  'name',
];
export const WORDS = ['drop', 'accept', 'Grüße', 'queue', 'repeat'];

function column(type: ColumnType, nullable: boolean, unit = ''): Column {
  const name = [type, ...(unit === '' ? [] : ['delta']), ...(nullable ? ['null'] : [])].join('_');
  const base = { name, type, nullable, unit, meaning: `a ${name}` };
  return type === 'code' ? { ...base, words: WORDS } : base;
}

/** Columns of this unit are written as deltas. */
export const EVERY: Table = {
  name: 'packets',
  meaning: 'a row of all types',
  columns: [false, true].flatMap((nullable) => [
    ...TYPES.map((type) => column(type, nullable)),
    column('u32', nullable, 'ns since boot'),
    column('u64', nullable, 'ns since boot'),
  ]),
};

/** Same seed, same numbers: xorshift. */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = Math.imul(seed, 0x9e3779b1) | 1;
  }

  u32(): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return this.state >>> 0;
  }

  below(limit: number): number {
    return this.u32() % limit;
  }

  u64(): bigint {
    return (BigInt(this.u32()) << 32n) | BigInt(this.u32());
  }
}

export const PATTERNS = ['one', 'few', 'growing', 'any', 'ends'] as const;
export type Pattern = (typeof PATTERNS)[number];

/** 64 bits, from which a value of any type is made. */
function seedOf(pattern: Pattern, row: number, random: Random): bigint {
  switch (pattern) {
    case 'one':
      return 0x8000_0000_c0a8_0107n;
    case 'few':
      return BigInt.asUintN(64, BigInt(random.below(5)) * 0x4001_2003_4000_5006n);
    case 'growing':
      return 0x4000_0000_ffff_0000n + BigInt(row * 1000) - BigInt(random.below(5000));
    case 'any':
      return random.u64();
    case 'ends':
      return random.below(2) === 0 ? 0n : 2n ** 64n - 1n;
  }
}

function makeValue(type: ColumnType, seed: bigint): Value {
  const low = Number(seed & 0xffff_ffffn);
  switch (type) {
    case 'bool':
      return (low & 1) === 1;
    case 'u8':
      return low & 0xff;
    case 'u16':
      return low & 0xffff;
    case 'u32':
      return low;
    case 'u64':
      return seed;
    case 'timestamp':
      return seed & 0x3fff_ffff_ffff_ffffn;
    case 'address':
      return ((BigInt(low % 5) << 96n) | seed).toString(16).padStart(32, '0');
    case 'code':
      return WORDS[low % WORDS.length]!;
    case 'name':
      return low % 7 === 0 ? '' : `ü${low}`;
  }
}

export const NULLS = ['none', 'all', 'alternating', 'random', 'runs'] as const;
export type Nulls = (typeof NULLS)[number];

function isNull(nulls: Nulls, row: number, random: Random): boolean {
  switch (nulls) {
    case 'none':
      return false;
    case 'all':
      return true;
    case 'alternating':
      return row % 2 === 0;
    case 'random':
      return random.below(3) === 0;
    case 'runs':
      return (row >>> 5) % 3 === 0;
  }
}

export function randomRows(
  { columns }: Table,
  count: number,
  how: { pattern: Pattern; nulls: Nulls; seed: number },
): Row[] {
  const random = new Random(how.seed);
  return Array.from({ length: count }, (_, row) =>
    Object.fromEntries(
      columns.map(({ name, type, nullable }) => {
        const value = makeValue(type, seedOf(how.pattern, row, random));
        return [name, nullable && isNull(how.nulls, row, random) ? null : value];
      }),
    ),
  );
}

/** What is null keeps rubbish in its place, as do the bits after the last row. */
export function columnsOf({ columns }: Table, rows: readonly Row[]): ColumnMemory[] {
  return columns.map(({ name, type, nullable }) => {
    const values = rows.map((row) => row[name]!);
    const validity = new Uint8Array((rows.length + 7) >>> 3);
    if (rows.length % 8 > 0) validity[validity.length - 1] = (0xff << (rows.length % 8)) & 0xff;
    values.forEach((value, row) => {
      if (value !== null) validity[row >>> 3]! |= 1 << (row & 7);
    });
    const memory =
      type === 'name' ? namesMemory(values) : { values: viewed(fixedMemory(type, values)) };
    const hasNulls = nullable && values.some((value) => value === null);
    return hasNulls ? { ...memory, validity: viewed(validity.buffer) } : memory;
  });
}

/** In the middle of memory that others use, too. */
function viewed(memory: ArrayBuffer): Uint8Array {
  const around = new Uint8Array(memory.byteLength + 24).fill(0xaa);
  around.set(new Uint8Array(memory), 16);
  return around.subarray(16, 16 + memory.byteLength);
}

function namesMemory(values: readonly Value[]): ColumnMemory {
  const texts = values.map((value) => Buffer.from(String(value ?? 'rubbish')));
  const offsets = new Int32Array(values.length + 1);
  texts.forEach((text, row) => {
    offsets[row + 1] = offsets[row]! + text.length;
  });
  return {
    values: viewed(Uint8Array.from(Buffer.concat(texts)).buffer),
    offsets: viewed(offsets.buffer),
  };
}

function fixedMemory(type: ColumnType, values: readonly Value[]): ArrayBuffer {
  const numbers = values.map((value) => (value === null ? 0x55 : Number(value)));
  const wide = values.map((value) => (value === null ? 0x55n : (value as bigint)));
  switch (type) {
    case 'bool': {
      const bits = new Uint8Array((values.length + 7) >>> 3);
      values.forEach((value, row) => {
        if (value !== false) bits[row >>> 3]! |= 1 << (row & 7);
      });
      return bits.buffer;
    }
    case 'u8':
      return Uint8Array.from(numbers).buffer;
    case 'u16':
      return Uint16Array.from(numbers).buffer;
    case 'u32':
      return Uint32Array.from(numbers).buffer;
    case 'u64':
    case 'timestamp':
      return BigUint64Array.from(wide).buffer;
    case 'code':
      return Int8Array.from(values, (value) => WORDS.indexOf(String(value))).buffer;
    default: {
      const text = values.map((value) => (value === null ? '55'.repeat(16) : String(value)));
      return Uint8Array.from(Buffer.from(text.join(''), 'hex')).buffer;
    }
  }
}
