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
