/** Writes docs/schema.md: `npm run build && node dist/columns/write-document.js`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { ENTRIES } from '../model/entries-table.ts';
import { EXPECTATIONS } from '../model/expectations-table.ts';
import { TABLES } from '../model/tables.ts';
import { document } from './document.ts';

const path = new URL('../../docs/schema.md', import.meta.url);
mkdirSync(new URL('.', path), { recursive: true });
writeFileSync(path, document([...TABLES, ENTRIES, EXPECTATIONS]));
