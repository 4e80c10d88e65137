/** Columns of the table `entries` about what a recorded trace knows of the same entry. */
import { ENTRIES, ENTRIES_ALONE } from '../model/entries-table.ts';
import { layoutOf } from '../model/row-layout.ts';
import type { NameTable } from '../model/rows.ts';

/** By column; what is not named is null. */
export type TracedValues = Readonly<Record<string, number | bigint | string | boolean | null>>;

const layout = layoutOf(ENTRIES);
const COLUMNS = ENTRIES.columns
  .slice(ENTRIES_ALONE.columns.length)
  .map((column) => ({ ...column, at: layout.at(column.name), index: layout.index(column.name) }));

/** `row`: the word at which it begins, of a fresh one. */
export function writeTraced(
  to: Int32Array,
  row: number,
  names: NameTable,
  values: TracedValues = {},
): void {
  for (const { name, type, words, at, index } of COLUMNS) {
    const value = values[name] ?? null;
    if (value === null) {
      to[row + (index >>> 5)]! |= 1 << (index & 31);
    } else if (typeof value === 'bigint') {
      to[row + at] = Number(BigInt.asIntN(32, value));
      to[row + at + 1] = Number(BigInt.asIntN(32, value >> 32n));
    } else if (type === 'name') {
      to[row + at] = names.numberOf(String(value));
    } else {
      to[row + at] = words === undefined ? Number(value) : words.indexOf(String(value));
    }
  }
}
