import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { PassThrough, Writable } from 'node:stream';
import { expect, it, vi } from 'vitest';
import { batchOf } from '../../src/columns/batch.ts';
import { openOutput } from '../../src/export/output.ts';
import { PACKETS, TABLES } from '../../src/model/tables.ts';
import { CLOCK_OFFSET, FACTS, NAMES, rowsOf, wordsOf } from './fixtures.ts';

vi.setConfig({ testTimeout: 30_000 });

function batch(first: number) {
  const rows = rowsOf(PACKETS, 50, first);
  const context = { clockOffsetNs: CLOCK_OFFSET, names: NAMES };
  return batchOf(PACKETS, wordsOf(PACKETS, rows), 50, context);
}

const READER = `
import { tableFromIPC } from 'apache-arrow';
const table = tableFromIPC(process.stdin);
const found = await table;
const last = found.batches.at(-1);
console.log(JSON.stringify({
  rows: found.numRows,
  ports: [...found.getChild('src_port')].slice(0, 3),
  last: found.getChild('started_at').data.at(1).values[49].toString(),
  table: found.schema.metadata.get('conntrail.table'),
  ledger: last.metadata.get('conntrail.ledger'),
}));
`;

it('is read by a second process', async () => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', READER], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const output = await openOutput('-', TABLES, { facts: FACTS, stdout: child.stdin });
  await output.write('packets', batch(0));
  await output.write('packets', batch(50));
  const written = await output.close({ 'conntrail.ledger': '{"rows":[1]}' });
  child.stdin.end();
  let said = '';
  for await (const text of child.stdout.setEncoding('utf8')) said += text;
  const rows = rowsOf(PACKETS, 100);
  expect(JSON.parse(said)).toEqual({
    rows: 100,
    ports: rows.slice(0, 3).map((row) => row.src_port),
    last: String(rows[99]?.started_at),
    table: 'packets',
    ledger: '{"rows":[1]}',
  });
  expect(written.rows).toBe(100);
});

it('ends with one clear line when the reader goes away', async () => {
  const child = spawn('true', { stdio: ['pipe', 'ignore', 'inherit'] });
  const output = await openOutput('-', TABLES, { facts: FACTS, stdout: child.stdin });
  await once(child, 'exit');
  const fill = async () => {
    for (let i = 0; i < 100; i++) await output.write('packets', batch(i));
  };
  await expect(fill()).rejects.toMatchObject({
    code: 'io',
    message: 'write standard output: EPIPE, the reader is gone',
  });
});

it('waits for a slow reader', async () => {
  let isSlow = true;
  let release: () => void = () => undefined;
  const stdout = new Writable({
    write: (_chunk, _encoding, done) => {
      release = done;
      if (!isSlow) done();
    },
  });
  const output = await openOutput('-', TABLES, { facts: FACTS, stdout });
  let isWritten = false;
  const writing = output.write('packets', batch(0)).then(() => {
    isWritten = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(isWritten).toBe(false);
  isSlow = false;
  release();
  await writing;
  expect(isWritten).toBe(true);
});

it('passes over the tables that it does not hold', async () => {
  const stdout = new PassThrough();
  const output = await openOutput('-', TABLES, { facts: FACTS, stdout, table: 'flows' });
  expect(output.tables.map(({ name }) => name)).toEqual(['flows']);
  await output.write('packets', batch(0));
  expect(output.bytes).toBe(0);
});
