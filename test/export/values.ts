/** Values out of batches, by their buffers: Arrow's own get() rounds nanoseconds. */
import type { RecordBatch } from '../../src/columns/arrow.ts';
import type { Table } from '../../src/model/tables.ts';
import type { Row, Value } from './fixtures.ts';

export function rowsIn(batch: RecordBatch, table: Table): Row[] {
  const columns = table.columns.map(({ name, type }, place) => {
    const data = batch.data.children[place]!;
    const vector = batch.getChildAt(place)!;
    const read = (row: number): Value => {
      if (!data.getValid(row)) return null;
      if (type === 'timestamp' || type === 'u64') return data.values[row];
      if (type === 'address') return Buffer.from(vector.get(row)).toString('hex');
      return vector.get(row);
    };
    return [name, read] as const;
  });
  return Array.from({ length: batch.numRows }, (_, row) =>
    Object.fromEntries(columns.map(([name, read]) => [name, read(row)])),
  );
}

/** A row as hyparquet gives it, in the form of rowsOf(). */
export function plainRow(row: Record<string, unknown>, table: Table): Row {
  return Object.fromEntries(
    table.columns.map(({ name, type }): [string, Value] => {
      const value = row[name] ?? null;
      if (value instanceof Uint8Array) return [name, Buffer.from(value).toString('hex')];
      if (type === 'u64' && typeof value === 'bigint') return [name, BigInt.asUintN(64, value)];
      if (type === 'u32' && typeof value === 'number') return [name, value >>> 0];
      return [name, value as Value];
    }),
  );
}
