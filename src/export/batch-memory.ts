/**
 * The memory of a batch's columns, to be given to another thread. What a
 * BatchBuilder made goes over as it is; columns that share memory with others
 * (batches out of a file do) are copied.
 */
import type { RecordBatch } from '../columns/arrow.ts';
import { ownBuffer } from '../model/memory.ts';
import type { Table } from '../model/tables.ts';
import type { ColumnMemory } from './parquet/rows.ts';

/** The batch must have the columns of the table; it is used up afterwards. */
export function memoryOf(batch: RecordBatch, table: Table): ColumnMemory[] {
  return table.columns.map(({ type, name }, index): ColumnMemory => {
    const { values, valueOffsets, nullBitmap, nullCount, length, offset } =
      batch.data.children[index]!;
    if (offset !== 0) throw new RangeError(`${table.name}.${name} is part of another batch`);
    const size = type === 'bool' ? (length + 7) >>> 3 : type === 'name' ? 0 : length;
    if (values.length < size) throw new RangeError(`${table.name}.${name} was given away before`);
    return {
      values: whole(values),
      ...(type === 'name' ? { offsets: whole(valueOffsets) } : {}),
      ...(nullCount > 0 ? { validity: whole(nullBitmap) } : {}),
    };
  });
}

export function buffersOf(columns: readonly ColumnMemory[]): ArrayBuffer[] {
  return columns.flatMap(({ values, offsets, validity }) =>
    [values, offsets, validity].filter((buffer) => buffer !== undefined),
  );
}

function whole(view: ArrayBufferView): ArrayBuffer {
  const { buffer, byteOffset, byteLength } = view;
  return (
    ownBuffer(view) ?? new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength).slice().buffer
  );
}
