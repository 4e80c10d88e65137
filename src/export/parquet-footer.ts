/**
 * Key-values of a Parquet file, read and added after the fact: the ledger is
 * known only when the file is complete, and the encoder takes metadata only at
 * the start. A Parquet file ends in
 *
 *   FileMetaData (Thrift, compact) | its length, u32 | "PAR1"
 *
 * and FileMetaData's field 5 is a list of {1: key, 2: value}. All other fields
 * keep their bytes: nothing in them depends on where the footer ends.
 */
import { TraceError } from '../model/error.ts';
import {
  BINARY,
  binaryBytes,
  LIST,
  listBytes,
  STRUCT,
  structBytes,
  type ThriftField,
  ThriftReader,
} from './thrift.ts';

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

/** The footer with these key-values added; a key that is there already gets the new value. */
export function addKeyValues(
  footer: Uint8Array,
  added: Readonly<Record<string, string>>,
): Uint8Array {
  const fields = new ThriftReader(footer).struct();
  const kept = keyValueItems(fields.find(({ id }) => id === KEY_VALUES)).filter((item) => {
    const [key] = new ThriftReader(item).struct();
    return key === undefined || !Object.hasOwn(added, text(key));
  });
  const items = Object.entries(added).map(([key, value]) =>
    structBytes([
      { id: 1, type: BINARY, value: binaryBytes(key) },
      { id: 2, type: BINARY, value: binaryBytes(value) },
    ]),
  );
  const value = listBytes(STRUCT, [...kept, ...items]);
  const before = fields.filter(({ id }) => id < KEY_VALUES);
  const after = fields.filter(({ id }) => id > KEY_VALUES);
  return structBytes([...before, { id: KEY_VALUES, type: LIST, value }, ...after]);
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
