/**
 * Key-values of a Parquet file, read without the rest. A file ends in
 *
 *   FileMetaData (Thrift, compact) | its length, u32 | "PAR1"
 *
 * and FileMetaData's field 5 is a list of {1: key, 2: value}.
 */
import { TraceError } from '../model/error.ts';
import { LIST, type ThriftField, ThriftReader } from './thrift.ts';

export const PARQUET_MAGIC = 'PAR1';
/** Length and magic, after the footer. */
export const TAIL_BYTES = 8;
const KEY_VALUES = 5;

/** Length of the footer, from the last eight bytes of a file of `size` bytes. */
export function footerLength(tail: Uint8Array, size: number): number {
  const magic = Buffer.from(tail.subarray(4)).toString('latin1');
  if (tail.length !== TAIL_BYTES || magic !== PARQUET_MAGIC) {
    const at = Math.max(0, size - 4);
    throw new TraceError('corrupt', `byte ${at} has ${JSON.stringify(magic)}, needed "PAR1"`, {
      hint: 'the file is cut short or not Parquet',
    });
  }
  const length = new DataView(tail.buffer, tail.byteOffset).getUint32(0, true);
  const room = size - TAIL_BYTES - PARQUET_MAGIC.length;
  if (length > room) {
    throw new TraceError('corrupt', `the footer says ${length} bytes, the file has ${room} for it`);
  }
  return length;
}

export function readKeyValues(footer: Uint8Array): Map<string, string> {
  const field = new ThriftReader(footer).struct().find(({ id }) => id === KEY_VALUES);
  const pairs = new Map<string, string>();
  for (const item of keyValueItems(field)) {
    const [key, value] = new ThriftReader(item).struct();
    if (key !== undefined) pairs.set(text(key), value === undefined ? '' : text(value));
  }
  return pairs;
}

/** The bytes of each element, uninterpreted. */
function keyValueItems(field: ThriftField | undefined): Uint8Array[] {
  if (field === undefined || field.type !== LIST) return [];
  const reader = new ThriftReader(field.value);
  const { count } = reader.list();
  if (count > field.value.length) throw reader.broken(`has ${count} key-values`);
  const items: Uint8Array[] = [];
  for (let i = 0; i < count; i++) {
    const start = reader.at;
    reader.struct();
    items.push(field.value.subarray(start, reader.at));
  }
  return items;
}

function text(field: ThriftField): string {
  return Buffer.from(new ThriftReader(field.value).binary()).toString();
}
