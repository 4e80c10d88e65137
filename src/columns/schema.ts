/** The tables as Arrow schemas. Types are shared objects, so that batches of one table agree. */
import {
  Bool,
  type DataType,
  Dictionary,
  Field,
  FixedSizeBinary,
  Int8,
  makeData,
  Schema,
  TimestampNanosecond,
  Uint8,
  Uint16,
  Uint32,
  Uint64,
  Utf8,
  Vector,
} from 'apache-arrow';
import { type Column, SCHEMA_VERSION, type Table } from '../model/tables.ts';

/** Keys of the schema's metadata; Parquet files carry the same keys. */
export const TABLE_KEY = 'conntrail.table';
export const VERSION_KEY = 'conntrail.schema_version';

export type Metadata = Readonly<Record<string, string>>;

const PLAIN = {
  bool: new Bool(),
  u8: new Uint8(),
  u16: new Uint16(),
  u32: new Uint32(),
  u64: new Uint64(),
  timestamp: new TimestampNanosecond('UTC'),
  address: new FixedSizeBinary(16),
  name: new Utf8(),
} as const;

interface Shape {
  readonly fields: readonly Field[];
  /** By column name, for columns of type code. */
  readonly dictionaries: ReadonlyMap<string, Vector<Utf8>>;
}

const shapes = new WeakMap<Table, Shape>();

function wordsVector(words: readonly string[]): Vector<Utf8> {
  const bytes = Buffer.from(words.join(''));
  const valueOffsets = new Int32Array(words.length + 1);
  for (const [i, word] of words.entries()) {
    valueOffsets[i + 1] = valueOffsets[i]! + Buffer.byteLength(word);
  }
  return new Vector([
    makeData({ type: PLAIN.name, length: words.length, valueOffsets, data: bytes }),
  ]);
}

/** Dictionary ids need only differ within one schema: the column's place does. */
function typeOf(column: Column, place: number): DataType {
  return column.type === 'code'
    ? new Dictionary(PLAIN.name, new Int8(), place)
    : PLAIN[column.type];
}

function fieldMetadata({ unit, meaning, words }: Column): Map<string, string> {
  const entries: [string, string][] = [
    ['unit', unit],
    ['meaning', meaning],
  ];
  if (words !== undefined) entries.push(['words', words.join(',')]);
  return new Map(entries);
}

function shapeOf(table: Table): Shape {
  const known = shapes.get(table);
  if (known !== undefined) return known;
  const fields = table.columns.map(
    (column, place) =>
      new Field(column.name, typeOf(column, place), column.nullable, fieldMetadata(column)),
  );
  const dictionaries = new Map<string, Vector<Utf8>>();
  for (const { name, words } of table.columns) {
    if (words !== undefined) dictionaries.set(name, wordsVector(words));
  }
  const shape = { fields, dictionaries };
  shapes.set(table, shape);
  return shape;
}

/** The words of a code column, always the same object: IPC writers send it once. */
export function dictionaryOf(table: Table, column: Column): Vector<Utf8> {
  const found = shapeOf(table).dictionaries.get(column.name);
  if (found === undefined) throw new RangeError(`${table.name}.${column.name} has no words`);
  return found;
}

export function arrowSchema(table: Table, metadata: Metadata = {}): Schema {
  const own = { [TABLE_KEY]: table.name, [VERSION_KEY]: SCHEMA_VERSION };
  return new Schema([...shapeOf(table).fields], new Map(Object.entries({ ...metadata, ...own })));
}
