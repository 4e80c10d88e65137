import type { RecordBatch } from 'apache-arrow';
import type { Table } from '../model/tables.ts';

/** Milliseconds since 1970 of the first row that has a time, or undefined where none has. */
export function firstTimeMs(batch: RecordBatch, table: Table): number | undefined {
  const at = table.columns.findIndex(({ type, nullable }) => type === 'timestamp' && !nullable);
  const values: unknown = batch.data.children[at]?.values;
  if (!(values instanceof BigInt64Array) || values.length === 0) return undefined;
  return Number(values[0]! / 1_000_000n);
}
