import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { RecordBatch } from '../../src/columns/arrow.ts';
import { batchOf } from '../../src/columns/batch.ts';
import { CaptureReader } from '../../src/export/capture-reader.ts';
import { CaptureWriter } from '../../src/export/capture-writer.ts';
import { openOutput } from '../../src/export/output.ts';
import { readDataset } from '../../src/export/read-dataset.ts';
import { TraceError } from '../../src/model/error.ts';
import { FLOWS, PACKETS, TABLES } from '../../src/model/tables.ts';
import { AS_NOBODY } from '../run/as-nobody.ts';
import {
  CLOCK_OFFSET,
  END,
  ensureBuilt,
  FACTS,
  NAMES,
  rowsOf,
  tempFolder,
  wordsOf,
} from './fixtures.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
beforeAll(ensureBuilt);

const FACTS_ONLY = { facts: FACTS };
const WORDS = wordsOf(PACKETS, rowsOf(PACKETS, 5000));

/** Anew each time: an output takes it. */
function batch(): RecordBatch {
  return batchOf(PACKETS, WORDS, 5000, { clockOffsetNs: CLOCK_OFFSET, names: NAMES });
}

function mount(dir: string, size: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', dir], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Whether this machine lets us make file systems of a size. */
function canMount(): boolean {
  const dir = mkdtempSync(join(tmpdir(), 'conntrail-test-'));
  const isMounted = mount(dir, '64k');
  if (isMounted) execFileSync('umount', [dir]);
  rmdirSync(dir);
  return isMounted;
}

async function onSmallDisk(size: string, test: (dir: string) => Promise<void>): Promise<void> {
  const dir = tempFolder();
  mount(dir, size);
  try {
    await test(dir);
  } finally {
    execFileSync('umount', [dir]);
  }
}

async function read(path: string, table = PACKETS): Promise<void> {
  for await (const _ of readDataset(path, table));
}

describe.runIf(canMount())('a full disk', () => {
  it.each(['parquet', 'arrow'])('leaves the good .%s file that was there', (ending) =>
    onSmallDisk('128k', async (dir) => {
      const path = join(dir, `x.${ending}`);
      writeFileSync(path, 'good');
      const output = await openOutput(path, TABLES, FACTS_ONLY);
      const fill = async () => {
        for (let i = 0; i < 100; i++) await output.write('packets', batch());
        await output.close({});
      };
      await expect(fill()).rejects.toMatchObject({
        code: 'io',
        message: `write ${path}: ENOSPC`,
        hint: 'free some space, or choose another place',
      });
      expect(readFileSync(path, 'utf8')).toBe('good');
      const left = ending === 'parquet' ? ['x.parquet'] : ['x.arrow', 'x.arrow.partial'];
      expect(readdirSync(dir).sort()).toEqual(left);
    }),
  );

  it('leaves a capture readable as far as it came', () =>
    onSmallDisk('64k', async (dir) => {
      const path = join(dir, 'x.capture');
      const writer = await CaptureWriter.open(path, FACTS);
      let whole = 0;
      const fill = async () => {
        for (; ; whole++) await writer.append(Buffer.alloc(9600, whole), BigInt(whole));
      };
      await expect(fill()).rejects.toThrow(`write ${path}: ENOSPC`);
      const reader = await CaptureReader.open(`${path}.partial`);
      let found = 0;
      for await (const _ of reader.chunks()) found++;
      await reader.close();
      expect(found).toBe(whole);
      expect(whole).toBeGreaterThan(3);
    }));
});

describe('columns that cannot be encoded', () => {
  it("are told of with the file and the system's words", async () => {
    const path = join(tempFolder(), 'x.parquet');
    const output = await openOutput(path, TABLES, FACTS_ONLY);
    const broken = batch();
    broken.getChild('verdict')!.data[0]!.values[0] = 200; // a code without a word
    const written = output.write('packets', broken).then(() => output.close({}));
    await expect(written).rejects.toMatchObject({
      code: 'io',
      message: `write ${path}: encode columns: ERANGE (result too large)`,
    });
  });
});

describe('openOutput', () => {
  it.each(['x.parquet', 'x.arrow'])('refuses a folder named %s', async (name) => {
    const path = join(tempFolder(), name);
    mkdirSync(path);
    await expect(openOutput(path, TABLES, FACTS_ONLY)).rejects.toThrow(
      `${path} is a folder, needed the name of a file`,
    );
  });

  it.each(['x.parquet', 'x.arrow'])(
    'refuses at once a place that is not there: %s',
    async (name) => {
      const path = join(tempFolder(), 'no', name);
      await expect(openOutput(path, TABLES, FACTS_ONLY)).rejects.toMatchObject({
        code: 'missing',
        message: `create ${path}.partial: ENOENT`,
      });
    },
  );

  it('refuses at once a folder it may not write', () => {
    const dir = tempFolder();
    chmodSync(dir, 0o555);
    const output = new URL('../../dist/export/output.js', import.meta.url);
    const script = `
      const { openOutput } = await import(${JSON.stringify(output.href)});
      for (const name of ['x', 'x.parquet', 'x.arrow'])
        await openOutput(${JSON.stringify(dir)} + '/' + name, [{ name: 'packets', columns: [] }], { facts: { node: 'n' } })
          .catch((error) => console.log(error.code, error.message));`;
    const isRoot = process.getuid?.() === 0; // to whom nothing is forbidden
    const node = [process.execPath, '--input-type=module', '-e', script];
    const [tool = '', ...args] = isRoot ? [...AS_NOBODY, ...node] : node;
    const said = execFileSync(tool, args, { encoding: 'utf8' });
    expect(said.split('\n')).toEqual([
      `permission create ${dir}/x: EACCES`,
      `permission create ${dir}/x.parquet.partial: EACCES`,
      `permission create ${dir}/x.arrow.partial: EACCES`,
      '',
    ]);
  });

  it('refuses a folder where the kernel makes none, and does not try for ever', async () => {
    await expect(openOutput('/proc/nowhere/trace', TABLES, FACTS_ONLY)).rejects.toMatchObject({
      message: 'create /proc/nowhere/trace: ENOENT',
    });
  });

  it.each([
    ['x.csv', 'names a format that is not written'],
    ['x.capture', 'names a capture, needed a place for tables'],
  ])('refuses %s', async (name, message) => {
    await expect(openOutput(name, TABLES, FACTS_ONLY)).rejects.toMatchObject({
      code: 'usage',
      message: `${name} ${message}`,
    });
  });

  it('refuses to put Arrow on a terminal', async () => {
    const stdout = Object.assign(Object.create(process.stdout), { isTTY: true });
    await expect(openOutput('-', TABLES, { ...FACTS_ONLY, stdout })).rejects.toThrow(
      'standard output is a terminal, needed a pipe or a file',
    );
  });
});

describe('reading', () => {
  it.each(['parquet', 'arrow'])('refuses the .%s file of another table', async (ending) => {
    const path = join(tempFolder(), `x.${ending}`);
    await (await openOutput(path, TABLES, FACTS_ONLY)).close({});
    await expect(read(path, FLOWS)).rejects.toThrow(
      `${path} holds table packets, needed table flows`,
    );
  });

  it.each([
    ['', 'begins with nothing, needed a dataset folder, Parquet or Arrow'],
    ['hello, you', 'begins with "hello,", needed a dataset folder, Parquet or Arrow'],
    ['PAR1 and no more', 'byte 12: found'],
  ])('refuses %j', async (content, message) => {
    const path = join(tempFolder(), 'x.parquet');
    writeFileSync(path, content);
    await expect(read(path)).rejects.toThrow(
      message.startsWith('byte') ? 'needed "PAR1"' : message,
    );
  });

  it('says what is not there', async () => {
    await expect(read('/nowhere/x')).rejects.toMatchObject({ message: 'read /nowhere/x: ENOENT' });
  });

  it.each(['parquet', 'arrow'])(
    'a damaged .%s file is read or refused in one line',
    async (ending) => {
      const path = join(tempFolder(), `x.${ending}`);
      const output = await openOutput(path, TABLES, FACTS_ONLY);
      await output.write('packets', batch());
      await output.close({});
      const whole = readFileSync(path);
      for (let i = 0; i < 60; i++) {
        const bytes = Buffer.from(i < 30 ? whole.subarray(0, (whole.length * i) / 30) : whole);
        // mostly near the ends, where structure is densest
        const span = i % 2 === 0 ? bytes.length : Math.min(bytes.length, 4000);
        const at = Math.floor((Math.imul(i, 2_654_435_761) >>> 0) % Math.max(1, span));
        if (bytes.length > 0) bytes[i % 4 === 1 ? bytes.length - 1 - at : at]! ^= 1 << (i % 8);
        writeFileSync(path, bytes);
        const error: unknown = await read(path).then(
          () => undefined,
          (found) => found,
        );
        if (error === undefined) continue;
        expect(error, `round ${i}`).toBeInstanceOf(TraceError);
        expect((error as TraceError).message).not.toContain('\n');
      }
    },
  );
});

it('a capture whose end cannot be written keeps its name free', async () => {
  const dir = tempFolder();
  const writer = await CaptureWriter.open(join(dir, 'x.capture'), FACTS);
  await writer.abort();
  await expect(writer.close(END)).rejects.toBeInstanceOf(TraceError);
  expect(readdirSync(dir)).toEqual(['x.capture.partial']);
});
