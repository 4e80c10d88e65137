/** Rows to a file by the encoder itself, without its thread. */
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { schemaMessage } from '../../../src/columns/ipc.ts';
import { FileWriter } from '../../../src/export/parquet/file-writer.ts';
import type { RowGroupEncoder } from '../../../src/export/parquet/row-group.ts';
import type { Table } from '../../../src/model/tables.ts';
import { type Row, tempFolder } from '../fixtures.ts';
import { columnsOf } from './tables.ts';

/** In batches of so many rows. */
export function writeFile(
  encoder: RowGroupEncoder,
  table: Table,
  rows: readonly Row[],
  batchRows: number,
): string {
  const path = join(tempFolder(), 'x.parquet');
  const fd = openSync(path, 'w');
  const writer = new FileWriter(encoder, table, fd);
  for (let from = 0; from < rows.length; from += batchRows) {
    const part = rows.slice(from, from + batchRows);
    writer.add(columnsOf(table, part), part.length);
  }
  const schema = Buffer.from(schemaMessage(table)).toString('base64');
  writer.close({ 'ARROW:schema': schema, 'conntrail.table': table.name });
  closeSync(fd);
  return path;
}
