/**
 * Rows as words. A row on its way is a run of 32-bit words in an Int32Array:
 * two words of null bits (bit i set: column i is null), then each column at its
 * word. Wide values are low word first; addresses are 16 bytes in network order.
 */
import type { ColumnType, Table } from './tables.ts';

const WORDS: Readonly<Record<ColumnType, number>> = {
  bool: 1,
  u8: 1,
  u16: 1,
  u32: 1,
  u64: 2,
  timestamp: 2,
  address: 4,
  code: 1,
  name: 1,
};

export interface RowLayout {
  /** Words of one row. */
  readonly stride: number;
  /** Word of a column within its row. */
  at(name: string): number;
  /** Index of a column: its bit in the null words. */
  index(name: string): number;
}

/** Words of the null bits at the start of each row. */
export const NULL_WORDS = 2;

export function layoutOf(table: Table): RowLayout {
  const words = new Map<string, number>();
  let stride = NULL_WORDS;
  for (const { name, type } of table.columns) {
    words.set(name, stride);
    stride += WORDS[type];
  }
  const names = [...words.keys()];
  const known = (name: string): number => {
    const found = words.get(name);
    if (found === undefined) throw new RangeError(`table ${table.name} has no column ${name}`);
    return found;
  };
  return {
    stride: stride + (stride & 1),
    at: known,
    index: (name) => {
      known(name);
      return names.indexOf(name);
    },
  };
}
