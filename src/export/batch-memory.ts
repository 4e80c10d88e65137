/**
 * The memory of a batch's columns, to be given to another thread. What was
 * made for the batch alone goes over as it is; columns that share memory with
 * others (batches out of a file do) are copied, and so are those of a batch
 * that hardly uses its memory, for it may be kept for long.
 */
import type { RecordBatch } from '../columns/arrow.ts';
import { columnMemory, ownBuffer } from '../model/memory.ts';
import type { Table } from '../model/tables.ts';
import type { ColumnMemory } from './parquet/rows.ts';

/** The batch must have the columns of the table; it is used up afterwards. */
export function memoryOf(batch: RecordBatch, table: Table): ColumnMemory[] {
  const columns = table.columns.map(({ type, name }, index): ColumnMemory => {
    const { values, valueOffsets, nullBitmap, nullCount, length, offset } =
      batch.data.children[index]!;
    if (offset !== 0) throw new RangeError(`${table.name}.${name} is part of another batch`);
    const size = type === 'bool' ? (length + 7) >>> 3 : type === 'name' ? 0 : length;
    if (values.length < size) throw new RangeError(`${table.name}.${name} was given away before`);
    return {
      values: bytesOf(values),
      ...(type === 'name' ? { offsets: bytesOf(valueOffsets) } : {}),
      ...(nullCount > 0 ? { validity: bytesOf(nullBitmap) } : {}),
    };
  });
  const isDense = isWellUsed(columns);
  const given = columns.map((column) => mapViews(column, (view) => ownView(view, isDense)));
  if (!isDense) giveBack(batch);
  return given;
}

/** Each once, though columns share it. */
export function buffersOf(columns: readonly ColumnMemory[]): ArrayBuffer[] {
  return [...new Set(columns.flatMap(viewsOf).map(({ buffer }) => buffer as ArrayBuffer))];
}

/** Memory of a batch that nobody looks at any more, for the next ones. */
export function giveBack(batch: RecordBatch): void {
  for (const { values } of batch.data.children) {
    const { buffer } = values as ArrayBufferView;
    if (columnMemory.isTaken(buffer)) columnMemory.give(buffer);
  }
}

function viewsOf({ values, offsets, validity }: ColumnMemory): Uint8Array[] {
  return [values, offsets, validity].filter((view) => view !== undefined);
}

function mapViews(
  { values, offsets, validity }: ColumnMemory,
  change: (view: Uint8Array) => Uint8Array,
): ColumnMemory {
  return {
    values: change(values),
    ...(offsets && { offsets: change(offsets) }),
    ...(validity && { validity: change(validity) }),
  };
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Memory that a batch has for itself: do its columns fill at least half of it? */
function isWellUsed(columns: readonly ColumnMemory[]): boolean {
  const views = columns.flatMap(viewsOf).filter(({ buffer }) => columnMemory.isTaken(buffer));
  const used = views.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const buffers = new Set(views.map(({ buffer }) => buffer));
  const held = [...buffers].reduce((sum, { byteLength }) => sum + byteLength, 0);
  return used * 2 >= held;
}

function ownView(view: Uint8Array, isDense: boolean): Uint8Array {
  const isOurs = columnMemory.isTaken(view.buffer) ? isDense : ownBuffer(view) !== undefined;
  return isOurs ? view : view.slice();
}
