/** A row group out of the batches that were collected for it, and what the footer says of it. */
import type { Chunk, ChunkColumn } from '../../libbpf/chunk-column.ts';
import type { ChunkEncoder } from '../../libbpf/chunk-encoder.ts';
import type { Table } from '../../model/tables.ts';
import {
  binaryField,
  binaryListField,
  i16Field,
  i32Field,
  i32ListField,
  i64Field,
  structBytes,
  structField,
  structListField,
  type ThriftField,
} from '../thrift-write.ts';
import { PLAIN, putDataPage, putDictionaryPage, RLE, RLE_DICTIONARY } from './pages.ts';
import { chunkPlan, physicalType } from './physical.ts';
import { Pieces } from './pieces.ts';
import type { Span } from './rows.ts';

const ZSTD = 6;

export interface RowGroup {
  readonly rows: number;
  /** For the footer's list. */
  readonly metadata: Uint8Array;
  /** All pages, in order; lent until the next row group. */
  readonly pieces: readonly Uint8Array[];
}

/** What a chunk's metadata is made of, beside the chunk; offsets are those in the file. */
interface Placed {
  readonly rows: number;
  readonly start: number;
  readonly dataStart: number;
  readonly end: number;
  readonly plainBytes: number;
}

/** One serves all files of a thread: its memory is that of one row group. */
export class RowGroupEncoder {
  private readonly chunks: ChunkEncoder;

  constructor(chunks: ChunkEncoder) {
    this.chunks = chunks;
  }

  /** @param offset where its bytes will stand in the file. */
  encode(table: Table, spans: readonly Span[], offset: number, ordinal: number): RowGroup {
    const out = new Pieces();
    const rows = spans.reduce((sum, span) => sum + span.rows, 0);
    let plainBytes = 0;
    const columns = this.chunks.encode(chunkColumns(table, spans)).map((chunk, index) => {
      const placed = place(chunk, rows, offset, out);
      plainBytes += placed.plainBytes;
      return chunkMetadata(table, index, chunk, placed);
    });
    const metadata = structBytes([
      structListField(1, columns),
      i64Field(2, plainBytes),
      i64Field(3, rows),
      i64Field(5, offset),
      i64Field(6, out.at),
      i16Field(7, ordinal),
    ]);
    return { rows, metadata, pieces: out.all };
  }
}

function chunkColumns({ columns }: Table, spans: readonly Span[]): ChunkColumn[] {
  return columns.map((column, index) => ({
    plan: chunkPlan(column),
    spans: spans.map(({ columns, from, rows }) => ({ ...columns[index]!, from, rows })),
  }));
}

function place(chunk: Chunk, rows: number, offset: number, out: Pieces): Placed {
  const { entries, dictionary, data, encoding } = chunk;
  const start = offset + out.at;
  let plainBytes = entries > 0 ? putDictionaryPage(out, dictionary, entries) : 0;
  const dataStart = offset + out.at;
  plainBytes += putDataPage(out, data, rows, encoding);
  return { rows, start, dataStart, end: offset + out.at, plainBytes };
}

function chunkMetadata(
  { columns }: Table,
  index: number,
  { encoding, entries, present, bounds }: Chunk,
  { rows, start, dataStart, end, plainBytes }: Placed,
): Uint8Array {
  const column = columns[index]!;
  const encodings = [...(encoding === RLE_DICTIONARY ? [PLAIN] : []), RLE, encoding];
  const metadata = [
    i32Field(1, physicalType(column)),
    i32ListField(2, [...new Set(encodings)]),
    binaryListField(3, [column.name]),
    i32Field(4, ZSTD),
    i64Field(5, rows),
    i64Field(6, plainBytes),
    i64Field(7, end - start),
    i64Field(9, dataStart),
    ...(entries > 0 ? [i64Field(11, start)] : []),
    structField(12, statistics(rows - present, bounds)),
  ];
  return structBytes([i64Field(2, start), structField(3, metadata)]);
}

function statistics(nulls: number, bounds: Chunk['bounds']): ThriftField[] {
  const found = [i64Field(3, nulls)];
  if (bounds === undefined) return found;
  return [...found, binaryField(5, bounds.greatest), binaryField(6, bounds.least)];
}
