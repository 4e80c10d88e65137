/** The tables as Parquet types: what the format calls them, and how their values compare. */
import { ChunkFlag, type ChunkPlan, ChunkType } from '../../libbpf/chunk-column.ts';
import type { Column, ColumnType, Table } from '../../model/tables.ts';
import {
  binaryField,
  boolField,
  byteField,
  i32Field,
  structBytes,
  structField,
  type ThriftField,
} from '../thrift-write.ts';

const BOOLEAN = 0;
const INT32 = 1;
const INT64 = 2;
const BYTE_ARRAY = 6;
const FIXED_LEN_BYTE_ARRAY = 7;

const ADDRESS_BYTES = 16;

const PHYSICAL: Readonly<Record<ColumnType, number>> = {
  bool: BOOLEAN,
  u8: INT32,
  u16: INT32,
  u32: INT32,
  u64: INT64,
  timestamp: INT64,
  address: FIXED_LEN_BYTE_ARRAY,
  code: BYTE_ARRAY,
  name: BYTE_ARRAY,
};

/** The older name of a type, and its logical type. */
const MEANING: Readonly<Record<ColumnType, readonly ThriftField[]>> = {
  bool: [],
  u8: unsigned(11, 8),
  u16: unsigned(12, 16),
  u32: unsigned(13, 32),
  u64: unsigned(14, 64),
  // of nanoseconds in UTC: {isAdjustedToUTC, unit: {NANOS}}
  timestamp: [
    structField(10, [structField(8, [boolField(1, true), structField(2, [structField(3, [])])])]),
  ],
  address: [],
  code: [i32Field(6, 0), structField(10, [structField(1, [])])],
  name: [i32Field(6, 0), structField(10, [structField(1, [])])],
};

function unsigned(converted: number, bits: number): ThriftField[] {
  const integer = structField(10, [byteField(1, bits), boolField(2, false)]);
  return [i32Field(6, converted), structField(10, [integer])];
}

export function physicalType({ type }: Column): number {
  return PHYSICAL[type];
}

const CHUNK: Readonly<Record<ColumnType, number>> = {
  bool: ChunkType.bits,
  u8: ChunkType.bytes1,
  u16: ChunkType.bytes2,
  u32: ChunkType.bytes4,
  u64: ChunkType.bytes8,
  timestamp: ChunkType.bytes8,
  address: ChunkType.bytes16,
  code: ChunkType.bytes1,
  name: ChunkType.names,
};

/** What the shim is to know of a column. */
export function chunkPlan(column: Column): ChunkPlan {
  const { type, nullable, words } = column;
  const flags =
    (nullable ? ChunkFlag.nullable : 0) |
    (grows(column) ? ChunkFlag.grows : 0) |
    (type === 'timestamp' ? ChunkFlag.signed : 0) |
    (type === 'code' ? ChunkFlag.codes : 0);
  return { type: CHUNK[type], flags, ...(words && { words }) };
}

/** Numbers that grow from row to row: a dictionary need not be tried. */
function grows({ type, unit, name }: Column): boolean {
  return type === 'timestamp' || unit === 'ns since boot' || name === 'packet';
}

/** The list of SchemaElements: a root, then a leaf for each column. */
export function schemaElements({ columns }: Table): Uint8Array[] {
  const root = structBytes([binaryField(4, 'arrow_schema'), i32Field(5, columns.length)]);
  return [root, ...columns.map(leaf)];
}

function leaf(column: Column): Uint8Array {
  const { name, nullable, type } = column;
  return structBytes([
    i32Field(1, physicalType(column)),
    ...(type === 'address' ? [i32Field(2, ADDRESS_BYTES)] : []),
    i32Field(3, nullable ? 1 : 0),
    binaryField(4, name),
    ...MEANING[type],
  ]);
}
