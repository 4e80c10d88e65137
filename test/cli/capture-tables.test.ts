import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { openCaptureTables } from '../../src/cli/capture-tables.ts';
import { CaptureWriter } from '../../src/export/capture-writer.ts';
import { OLDEST_RECORD_VERSION, RECORD_VERSION } from '../../src/model/facts.ts';
import { END, FACTS } from '../export/fixtures.ts';

const folder = mkdtempSync(join(tmpdir(), 'conntrail-capture-tables-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function captureOf(recordVersion: number): Promise<string> {
  const path = join(folder, `${recordVersion}.capture`);
  await (await CaptureWriter.open(path, { ...FACTS, recordVersion })).close(END);
  return path;
}

it.each([OLDEST_RECORD_VERSION - 1, RECORD_VERSION + 1])(
  'a capture with records of version %i is refused, not misread',
  async (version) => {
    const path = await captureOf(version);
    await expect(openCaptureTables(path)).rejects.toMatchObject({
      code: 'unsupported',
      message: `${path}: found records of version ${version}, needed version ${OLDEST_RECORD_VERSION} to ${RECORD_VERSION}`,
      hint: 'read it with the version of conntrail that made it',
    });
  },
);

it.each([OLDEST_RECORD_VERSION, RECORD_VERSION])(
  'a capture with records of version %i is read',
  async (version) => {
    const tables = await openCaptureTables(await captureOf(version));
    expect(tables.facts.recordVersion).toBe(version);
    await tables.close();
  },
);
