/**
 * Where tables go: a dataset folder, one Parquet or Arrow file, or an Arrow
 * stream on standard output. In: batches, one table at a time, awaited. Out:
 * files that have their names only when they are whole.
 */
import type { Writable } from 'node:stream';
import { TraceError } from '../model/error.ts';
import type { Table } from '../model/tables.ts';
import { openArrowFile, openArrowStream } from './arrow-output.ts';
import { openDataset } from './dataset.ts';
import { FACTS_KEY, NODE_KEY } from './metadata.ts';
import type { Output, OutputOptions } from './output-shape.ts';
import { openParquetFile } from './parquet-output.ts';

const OTHER_FORMATS =
  /\.(csv|tsv|jsonl?|ndjson|txt|html?|pcap(ng)?|feather|ipc|orc|duckdb|db|zst|gz)$/i;

/** Fails at once where the target cannot be written. */
export async function openOutput(
  target: string,
  tables: readonly Table[],
  options: OutputOptions,
): Promise<Output> {
  const metadata = {
    ...options.metadata,
    [NODE_KEY]: options.facts.node,
    [FACTS_KEY]: JSON.stringify(options.facts),
  };
  const context = { options, node: options.facts.node, metadata };
  if (target === '-') return openArrowStream(oneOf(tables, options), context);
  if (/\.parquet$/i.test(target)) return openParquetFile(target, oneOf(tables, options), context);
  if (/\.arrow$/i.test(target)) return openArrowFile(target, oneOf(tables, options), context);
  if (/\.capture$/i.test(target)) {
    throw new TraceError('usage', `${target} names a capture, needed a place for tables`, {
      hint: 'name a folder, FILE.parquet, FILE.arrow, or - for standard output',
    });
  }
  if (OTHER_FORMATS.test(target)) {
    throw new TraceError('usage', `${target} names a format that is not written`, {
      hint: 'name a folder, FILE.parquet, FILE.arrow, or - for standard output',
    });
  }
  return openDataset(target, tables, context);
}

/** One table that is of no trace: FILE.parquet, FILE.arrow, or an Arrow stream on `stdout` for "-". */
export async function openOneTable(
  target: string,
  table: Table,
  node: string,
  stdout?: Writable,
): Promise<Output> {
  const metadata = { [NODE_KEY]: node };
  const context = { options: stdout === undefined ? {} : { stdout }, node, metadata };
  if (target === '-') return openArrowStream(table, context);
  if (/\.parquet$/i.test(target)) return openParquetFile(target, table, context);
  if (/\.arrow$/i.test(target)) return openArrowFile(target, table, context);
  throw new TraceError('usage', `${target} names a format that is not written`, {
    hint: 'name FILE.parquet, FILE.arrow, or - for standard output',
  });
}

function oneOf(tables: readonly Table[], { table = 'packets' }: OutputOptions): Table {
  const found = tables.find(({ name }) => name === table);
  if (found !== undefined) return found;
  const known = tables.map(({ name }) => name).join(', ');
  throw new TraceError('usage', `no table ${table}, needed one of: ${known}`);
}
