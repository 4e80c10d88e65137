/** A row group out of the batches that were collected for it, and what the footer says of it. */
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
import { ByteSink } from './byte-sink.ts';
import { type EncodedValues, ValueEncoder } from './chunk-values.ts';
import { putLevels } from './levels.ts';
import { type Compressor, PageWriter, PLAIN, RLE, RLE_DICTIONARY } from './pages.ts';
import { physicalType } from './physical.ts';
import type { Span } from './rows.ts';

const ZSTD = 6;

export interface RowGroup {
  readonly rows: number;
  /** For the footer's list. */
  readonly metadata: Uint8Array;
  /** All pages; lent until the next row group. */
  readonly bytes: Uint8Array;
}

/** What a chunk's metadata is made of; offsets are those in the file. */
interface Chunk extends EncodedValues {
  readonly rows: number;
  readonly nulls: number;
  readonly start: number;
  readonly dataStart: number;
  readonly end: number;
  readonly plainBytes: number;
}

/** One serves all files of a thread: its memory is that of one row group. */
export class RowGroupEncoder {
  private readonly pages: PageWriter;
  private readonly values = new ValueEncoder();
  private readonly body = new ByteSink(1 << 20);

  constructor(compressor: Compressor) {
    this.pages = new PageWriter(compressor);
  }

  /** @param offset where its bytes will stand in the file. */
  encode(table: Table, spans: readonly Span[], offset: number, ordinal: number): RowGroup {
    const { out } = this.pages;
    out.clear();
    const rows = spans.reduce((sum, span) => sum + span.rows, 0);
    let plainBytes = 0;
    const chunks = table.columns.map((_, index) => {
      const chunk = this.putChunk(table, index, spans, rows, offset);
      plainBytes += chunk.plainBytes;
      return chunkMetadata(table, index, chunk);
    });
    const metadata = structBytes([
      structListField(1, chunks),
      i64Field(2, plainBytes),
      i64Field(3, rows),
      i64Field(5, offset),
      i64Field(6, out.at),
      i16Field(7, ordinal),
    ]);
    return { rows, metadata, bytes: out.written };
  }

  private putChunk(
    table: Table,
    index: number,
    spans: readonly Span[],
    rows: number,
    offset: number,
  ): Chunk {
    const { body, pages, values } = this;
    const column = table.columns[index]!;
    body.clear();
    const present = column.nullable ? putLevels(body, spans, index) : rows;
    const encoded = values.encode(column, index, spans, present, body);
    const start = offset + pages.out.at;
    let plainBytes = 0;
    if (encoded.entries > 0) {
      plainBytes += pages.putDictionary(values.entries.written, encoded.entries);
    }
    const dataStart = offset + pages.out.at;
    plainBytes += pages.putData(body.written, rows, encoded.encoding);
    const end = offset + pages.out.at;
    return { ...encoded, rows, nulls: rows - present, start, dataStart, end, plainBytes };
  }
}

function chunkMetadata({ columns }: Table, index: number, chunk: Chunk): Uint8Array {
  const column = columns[index]!;
  const { start, dataStart, end, encoding, entries } = chunk;
  const encodings = [...(encoding === RLE_DICTIONARY ? [PLAIN] : []), RLE, encoding];
  const metadata = [
    i32Field(1, physicalType(column)),
    i32ListField(2, [...new Set(encodings)]),
    binaryListField(3, [column.name]),
    i32Field(4, ZSTD),
    i64Field(5, chunk.rows),
    i64Field(6, chunk.plainBytes),
    i64Field(7, end - start),
    i64Field(9, dataStart),
    ...(entries > 0 ? [i64Field(11, start)] : []),
    structField(12, statistics(chunk)),
  ];
  return structBytes([i64Field(2, start), structField(3, metadata)]);
}

function statistics({ nulls, bounds }: Chunk): ThriftField[] {
  const found = [i64Field(3, nulls)];
  if (bounds === undefined) return found;
  return [...found, binaryField(5, bounds.greatest), binaryField(6, bounds.least)];
}
