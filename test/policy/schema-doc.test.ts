import { readFileSync } from 'node:fs';
import { DuckDBInstance } from '@duckdb/node-api';
import { expect, it } from 'vitest';
import { ADDRESS_MACRO, document } from '../../src/columns/document.ts';
import { ENTRIES } from '../../src/model/entries-table.ts';
import { EXPECTATIONS } from '../../src/model/expectations-table.ts';
import { TABLES } from '../../src/model/tables.ts';

const path = new URL('../../docs/schema.md', import.meta.url);

it('docs/schema.md says what the tables are (node dist/columns/write-document.js)', () => {
  expect(readFileSync(path, 'utf8')).toBe(document([...TABLES, ENTRIES, EXPECTATIONS]));
});

it('turns addresses to text in DuckDB with the macro of docs/schema.md', async () => {
  expect(readFileSync(path, 'utf8')).toContain(ADDRESS_MACRO);
  const connection = await (await DuckDBInstance.create()).connect();
  await connection.run(ADDRESS_MACRO);
  const text = async (hex: string) => {
    const found = await connection.runAndReadAll(`SELECT address_text(unhex('${hex}'))`);
    return found.getRows()[0]?.[0];
  };
  expect(await text('00000000000000000000ffff0a0010fe')).toBe('10.0.16.254');
  expect(await text('20010db8000000000000ffff0a001000')).toBe('2001:db8:0:0:0:ffff:a00:1000');
  const none = await connection.runAndReadAll('SELECT address_text(NULL::BLOB)');
  expect(none.getRows()).toEqual([[null]]);
});
