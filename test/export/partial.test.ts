import { readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { batchOf } from '../../src/columns/batch.ts';
import { openOutput } from '../../src/export/output.ts';
import { PartialFile } from '../../src/export/partial-file.ts';
import { readDataset, readMetadata } from '../../src/export/read-dataset.ts';
import { PACKETS, TABLES } from '../../src/model/tables.ts';
import { CLOCK_OFFSET, FACTS, NAMES, type Row, rowsOf, tempFolder, wordsOf } from './fixtures.ts';
import { rowsIn } from './values.ts';

const CONTEXT = { clockOffsetNs: CLOCK_OFFSET, names: NAMES };

async function unfinished(path: string): Promise<void> {
  const output = await openOutput(path, TABLES, { facts: FACTS });
  for (const first of [0, 5]) {
    const words = wordsOf(PACKETS, rowsOf(PACKETS, 5, first));
    await output.write('packets', batchOf(PACKETS, words, 5, CONTEXT));
  }
  await output.abort();
}

async function read(path: string): Promise<{ rows: Row[]; warnings: string[] }> {
  const rows: Row[] = [];
  const warnings: string[] = [];
  for await (const batch of readDataset(path, PACKETS, { warn: (line) => warnings.push(line) })) {
    rows.push(...rowsIn(batch, PACKETS));
  }
  return { rows, warnings };
}

describe('an Arrow file that was not finished', () => {
  it('is read up to its last batch, and says so', async () => {
    const path = join(tempFolder(), 'x.arrow');
    await unfinished(path);
    const { rows, warnings } = await read(`${path}.partial`);
    expect(rows).toEqual(rowsOf(PACKETS, 10));
    const size = readFileSync(`${path}.partial`).length;
    expect(warnings).toEqual([`${path}.partial ends without its footer at byte ${size}`]);
    const [found] = await readMetadata(`${path}.partial`);
    expect(found?.isComplete).toBe(false);
    expect(found?.metadata['conntrail.node']).toBe('node/1');
  });

  it('is read up to its last whole batch when it ends within one', async () => {
    const path = join(tempFolder(), 'x.arrow');
    await unfinished(path);
    truncateSync(`${path}.partial`, readFileSync(`${path}.partial`).length - 100);
    expect((await read(`${path}.partial`)).rows).toEqual(rowsOf(PACKETS, 5));
  });
});

it('two traces that write one file do not mix', async () => {
  const path = join(tempFolder(), 'x');
  const first = await PartialFile.create(path);
  await first.write(Buffer.from('first'));
  const second = await PartialFile.create(path);
  await second.write(Buffer.from('second'));
  await expect(first.commit()).rejects.toThrow(
    `${path}.partial belongs to another trace that writes ${path} too`,
  );
  await second.commit();
  expect(readFileSync(path, 'utf8')).toBe('second');
  expect(readFileSync(`${path}.partial.old`, 'utf8')).toBe('first');
});
