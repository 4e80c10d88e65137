/** The footer of a file: its schema, its row groups, its key-values. */
import type { Table } from '../../model/tables.ts';
import {
  binaryField,
  i32Field,
  i64Field,
  structBytes,
  structField,
  structListField,
} from '../thrift-write.ts';
import { schemaElements } from './physical.ts';

/** Readers of version 1 know neither DELTA_BINARY_PACKED nor RLE_DICTIONARY. */
const VERSION = 2;
/** Bounds of all columns are in the order that their types define. */
const TYPE_ORDER = structBytes([structField(1, [])]);

export interface FileContents {
  readonly table: Table;
  readonly rows: number;
  readonly rowGroups: readonly Uint8Array[];
  readonly keyValues: Readonly<Record<string, string>>;
}

export function fileMetadata({ table, rows, rowGroups, keyValues }: FileContents): Uint8Array {
  return structBytes([
    i32Field(1, VERSION),
    structListField(2, schemaElements(table)),
    i64Field(3, rows),
    structListField(4, rowGroups),
    keyValueField(keyValues),
    binaryField(6, 'conntrail'),
    structListField(
      7,
      table.columns.map(() => TYPE_ORDER),
    ),
  ]);
}

export function keyValueField(keyValues: Readonly<Record<string, string>>) {
  const items = Object.entries(keyValues).map(([key, value]) =>
    structBytes([binaryField(1, key), binaryField(2, value)]),
  );
  return structListField(5, items);
}
