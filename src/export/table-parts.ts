/**
 * The parts of one table of a dataset, one after the other. A part begins with
 * its first batch and is completed by rows, by age (a timer: a quiet table must
 * not keep its rows back), or at the end.
 */
import { join } from 'node:path';
import type { RecordBatch } from '../columns/arrow.ts';
import { emptyBatch } from '../columns/batch.ts';
import type { Metadata } from '../columns/schema.ts';
import { firstTimeMs } from '../columns/time.ts';
import { fileError } from '../model/error.ts';
import type { Table } from '../model/tables.ts';
import { makeFolder } from './make-folder.ts';
import type { ParquetEncoder } from './parquet-encoder.ts';
import { ParquetFile, type WrittenFile } from './parquet-file.ts';
import { fileMetadata } from './parquet-output.ts';
import { PARTIAL, PartialFile } from './partial-file.ts';

export interface PartSettings {
  readonly encoder: ParquetEncoder;
  readonly run: string;
  readonly metadata: Metadata;
  readonly rows: number;
  readonly ageMs: number;
  /** The time to file a part under: its own first, else the last one seen, else now. */
  readonly timeMs: (found?: number) => number;
}

export class TableParts {
  private readonly folder: string;
  private readonly table: Table;
  private readonly settings: PartSettings;
  private readonly done: WrittenFile[] = [];
  private current: ParquetFile | undefined;
  private timer: NodeJS.Timeout | undefined;
  private count = 0;
  /** Steps run one after the other, those of the timer among them. */
  private last: Promise<unknown> = Promise.resolve();

  constructor(folder: string, table: Table, settings: PartSettings) {
    this.folder = folder;
    this.table = table;
    this.settings = settings;
  }

  get bytes(): number {
    return this.done.reduce((sum, file) => sum + file.bytes, this.current?.bytes ?? 0);
  }

  write(batch: RecordBatch): Promise<void> {
    return this.inTurn(async () => {
      this.current ??= await this.begin(batch);
      await this.current.write(batch);
      if (this.current.rows >= this.settings.rows) await this.complete({});
    });
  }

  close(metadata: Metadata): Promise<readonly WrittenFile[]> {
    return this.inTurn(async () => {
      if (this.count === 0) this.current = await this.begin(emptyBatch(this.table));
      await this.complete(metadata);
      return this.done;
    });
  }

  /** The encoder must have been stopped. */
  async discard(): Promise<void> {
    await this.last.catch(() => undefined);
    clearTimeout(this.timer);
    await this.current?.discard();
    this.current = undefined;
  }

  /** A failure stays: all later steps meet it. */
  private inTurn<T>(step: () => Promise<T>): Promise<T> {
    const turn = this.last.then(step);
    this.last = turn;
    return turn;
  }

  private async begin(batch: RecordBatch): Promise<ParquetFile> {
    const { encoder, run, timeMs, ageMs } = this.settings;
    const time = new Date(timeMs(firstTimeMs(batch, this.table))).toISOString();
    const hour = [`date=${time.slice(0, 10)}`, `hour=${time.slice(11, 13)}`];
    const folder = join(this.folder, ...hour, `run=${run}`);
    const name = `part-${String(this.count++).padStart(5, '0')}.parquet`;
    try {
      await makeFolder(folder);
    } catch (error) {
      throw fileError('create', folder, error);
    }
    const file = await PartialFile.create(join(folder, name), join(folder, `.${name}${PARTIAL}`));
    this.timer = setTimeout(() => {
      this.inTurn(() => this.complete({})).catch(() => undefined);
    }, ageMs);
    this.timer.unref();
    return new ParquetFile(encoder, file, this.table);
  }

  private async complete(metadata: Metadata): Promise<void> {
    clearTimeout(this.timer);
    const { current } = this;
    if (current === undefined) return;
    const all = fileMetadata(this.table, { ...this.settings.metadata, ...metadata });
    const written = await current.close(all);
    this.current = undefined;
    this.done.push(written);
  }
}
