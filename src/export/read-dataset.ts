/**
 * Recorded tables, read again: a dataset folder, one Parquet file, one Arrow
 * file or stream. What a file is, its first bytes say, not its name.
 */
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { RecordBatch } from '../columns/arrow.ts';
import { checkSchema, conform } from '../columns/conform.ts';
import { fileError, TraceError } from '../model/error.ts';
import type { Table } from '../model/tables.ts';
import { LEDGER_KEY, RUN_KEY } from './metadata.ts';
import { ParquetDecoder } from './parquet-decoder.ts';
import { PARQUET_MAGIC } from './parquet-footer.ts';
import { parquetKeyValues } from './parquet-metadata.ts';
import { RandomAccess } from './random-access.ts';
import { ARROW_MAGIC, arrowBatches, arrowMetadata } from './read-arrow.ts';
import { corruptError } from './read-error.ts';

export interface ReadOptions {
  /** Hears, in one line each, what is missing at the end of a file that was not completed. */
  readonly warn?: (line: string) => void;
  /** Of a dataset folder only the parts of this run (RUN_KEY). */
  readonly run?: string;
}

/** The rows of one table, in batches like those of batchOf(), part after part by name. */
export async function* readDataset(
  path: string,
  table: Table,
  { warn = () => undefined, run }: ReadOptions = {},
): AsyncIterable<RecordBatch> {
  const files = (await isFolder(path)) ? await partsOf(path, table.name) : [path];
  const decoder = new ParquetDecoder();
  try {
    for (const name of files) {
      if (run !== undefined && basename(dirname(name)) !== `run=${run}`) continue;
      for await (const batch of batchesIn(name, table, decoder, warn)) {
        if (batch.numRows > 0) yield conform(batch, table, name);
      }
    }
  } finally {
    await decoder.stop();
  }
}

async function* batchesIn(
  path: string,
  table: Table,
  decoder: ParquetDecoder,
  warn: (line: string) => void,
): AsyncIterable<RecordBatch> {
  const check = (metadata: ReadonlyMap<string, string>) => checkSchema(metadata, table, path);
  const file = await RandomAccess.open(path);
  try {
    if ((await kindOf(file)) === 'arrow') {
      yield* arrowBatches(file, check, warn);
    } else {
      check(await parquetKeyValues(file));
      yield* decoder.batches(path);
    }
  } finally {
    await file.close();
  }
}

/** What the files of one run, or one file, say about themselves. */
export interface RunMetadata {
  /** The file the key-values are from. */
  readonly path: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** False: the run was cut short, there is no ledger. */
  readonly isComplete: boolean;
}

/** Of a file one; of a folder one per run, in order of their starts. */
export async function readMetadata(path: string): Promise<readonly RunMetadata[]> {
  if (!(await isFolder(path))) return [await fileMetadata(path)];
  const runs = new Map<string, RunMetadata>();
  for (const part of await partsOf(path)) {
    const found = await fileMetadata(part);
    const run = found.metadata[RUN_KEY] ?? part;
    const known = runs.get(run);
    if (known === undefined || (found.isComplete && !known.isComplete)) runs.set(run, found);
  }
  return [...runs].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, found]) => found);
}

async function fileMetadata(path: string): Promise<RunMetadata> {
  const file = await RandomAccess.open(path);
  try {
    const kind = await kindOf(file);
    const pairs = kind === 'parquet' ? await parquetKeyValues(file) : await arrowMetadata(file);
    return { path, metadata: Object.fromEntries(pairs), isComplete: pairs.has(LEDGER_KEY) };
  } finally {
    await file.close();
  }
}

async function kindOf(file: RandomAccess): Promise<'parquet' | 'arrow'> {
  const head = (await file.read(0, 8)).toString('latin1');
  if (head.startsWith(PARQUET_MAGIC)) return 'parquet';
  if (head.startsWith(ARROW_MAGIC) || head.startsWith('\xff\xff\xff\xff')) return 'arrow';
  const found = file.size === 0 ? 'nothing' : JSON.stringify(head.slice(0, 6));
  const needed = 'needed a dataset folder, Parquet or Arrow';
  throw corruptError(
    file.path,
    new TraceError('corrupt', `${file.path} begins with ${found}, ${needed}`),
  );
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}

/** Whole parts only: those under way have dot-names. Of one table, or of all. */
async function partsOf(dir: string, table?: string): Promise<string[]> {
  const found: string[] = [];
  const walk = async (folder: string): Promise<void> => {
    const entries = await readdir(folder, { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.name.startsWith('.')) continue;
      const path = join(folder, entry.name);
      if (entry.isDirectory()) await walk(path);
      else if (entry.name.endsWith('.parquet')) found.push(path);
    }
  };
  try {
    for (const entry of await readdir(dir, { withFileTypes: true })) {
      const isWanted = table === undefined || entry.name === `table=${table}`;
      if (isWanted && entry.name.startsWith('table=')) await walk(join(dir, entry.name));
    }
  } catch (error) {
    throw fileError('read', dir, error);
  }
  if (found.length > 0) return found;
  const what = table === undefined ? 'table=…' : `table=${table}`;
  throw new TraceError('missing', `${dir} has no ${join(what, '…', 'part-….parquet')}`, {
    hint: `is ${basename(dir) || dir} a folder that conntrail wrote, and the trace finished?`,
  });
}
