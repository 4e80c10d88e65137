/**
 * A dataset folder, Hive-partitioned:
 *
 *   DIR/table=packets/node=NAME/date=2026-11-21/hour=01/run=RUN/part-00000.parquet
 *
 * Date and hour (UTC) are those of a part's first row. Numbers of packets and
 * flows begin anew with every run, so whoever joins tables joins by run as well. A part under way has a
 * dot-name that does not end in .parquet: whoever reads the folder meanwhile
 * sees whole files only. Every table has at least one part. The parts
 * completed at the end carry the ledger: a run without it was cut short.
 */
import { randomBytes } from 'node:crypto';
import { open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { RecordBatch } from '../columns/arrow.ts';
import type { Metadata } from '../columns/schema.ts';
import type { AnyTableName } from '../model/entries-table.ts';
import { errnoOf, fileError, TraceError } from '../model/error.ts';
import type { Table } from '../model/tables.ts';
import { makeFolder } from './make-folder.ts';
import { RUN_KEY } from './metadata.ts';
import type { OpenContext, Output, Written } from './output-shape.ts';
import { ParquetEncoder } from './parquet-encoder.ts';
import type { WrittenFile } from './parquet-file.ts';
import { TableParts } from './table-parts.ts';

const PART_ROWS = 2_000_000;
/** What a killed process loses at most. */
const PART_AGE_MS = 60_000;

export async function openDataset(
  dir: string,
  tables: readonly Table[],
  context: OpenContext,
): Promise<Output> {
  const run = runName();
  const node = `node=${encodeURIComponent(context.node || 'unknown')}`;
  await prepare(
    dir,
    tables.map(({ name }) => join(`table=${name}`, node)),
    run,
  );
  return new DatasetOutput(dir, node, run, tables, context);
}

/** Sorts by time; two runs of one second still differ. */
function runName(): string {
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  return `${time}-${randomBytes(4).toString('hex')}`;
}

async function prepare(dir: string, folders: readonly string[], run: string): Promise<void> {
  try {
    for (const folder of folders) await makeFolder(join(dir, folder));
    for (const folder of folders) {
      const trial = join(dir, folder, `.trial-${run}`);
      await (await open(trial, 'wx', 0o600)).close();
      await rm(trial);
    }
  } catch (error) {
    const found = await stat(dir).catch(() => undefined);
    if (found?.isFile() && ['EEXIST', 'ENOTDIR'].includes(errnoOf(error) ?? '')) {
      throw new TraceError('usage', `${dir} is a file, needed a folder`, {
        hint: 'name a folder, or a file that ends in .parquet or .arrow',
      });
    }
    throw fileError('create', dir, error);
  }
}

class DatasetOutput implements Output {
  readonly tables: readonly Table[];
  private readonly encoder = new ParquetEncoder();
  private readonly parts: ReadonlyMap<string, TableParts>;
  private lastTimeMs: number | undefined;

  constructor(
    dir: string,
    node: string,
    run: string,
    tables: readonly Table[],
    { options, metadata }: OpenContext,
  ) {
    this.tables = tables;
    const shared = {
      encoder: this.encoder,
      run,
      metadata: { ...metadata, [RUN_KEY]: run },
      rows: options.partRows ?? PART_ROWS,
      ageMs: options.partAgeMs ?? PART_AGE_MS,
      timeMs: (found?: number): number => {
        this.lastTimeMs = found ?? this.lastTimeMs;
        return this.lastTimeMs ?? Date.now();
      },
    };
    this.parts = new Map(
      tables.map((table) => {
        const folder = join(dir, `table=${table.name}`, node);
        return [table.name, new TableParts(folder, table, shared)];
      }),
    );
  }

  get bytes(): number {
    let sum = 0;
    for (const parts of this.parts.values()) sum += parts.bytes;
    return sum;
  }

  async write(table: AnyTableName, batch: RecordBatch): Promise<void> {
    await this.orAbort(this.parts.get(table)?.write(batch));
  }

  async close(metadata: Metadata): Promise<Written> {
    const files: WrittenFile[] = [];
    for (const parts of this.parts.values()) {
      files.push(...((await this.orAbort(parts.close(metadata))) ?? []));
    }
    await this.encoder.stop();
    const rows = files.reduce((sum, file) => sum + file.rows, 0);
    return { files, rows, bytes: this.bytes };
  }

  /** Parts completed before stay: they are whole. */
  async abort(): Promise<void> {
    await this.encoder.stop();
    for (const parts of this.parts.values()) await parts.discard();
  }

  private async orAbort<T>(step: Promise<T> | undefined): Promise<T | undefined> {
    try {
      return await step;
    } catch (error) {
      await this.abort();
      throw error;
    }
  }
}
