/**
 * The values of one column of a row group, encoded: which encoding, the body of
 * its data page after the levels, and of its dictionary page. Scratch memory is
 * shared by all columns and tables.
 */
import type { Column } from '../../model/tables.ts';
import { type Bounds, boundsOf, boundsOfGrowing } from './bounds.ts';
import { ByteSink } from './byte-sink.ts';
import { putDelta } from './delta.ts';
import { Dictionary } from './dictionary.ts';
import { Gathered } from './gather.ts';
import { indexWidth, putPacked, putRun } from './hybrid.ts';
import { putBits } from './levels.ts';
import { NameDictionary, putName } from './names.ts';
import { DELTA_BINARY_PACKED, PLAIN, RLE, RLE_DICTIONARY } from './pages.ts';
import { orderOf } from './physical.ts';
import { asWords, hasNulls, type Span, strideOf } from './rows.ts';

export interface EncodedValues {
  readonly encoding: number;
  /** 0: no dictionary page. */
  readonly entries: number;
  readonly bounds: Bounds | undefined;
}

/** What the frame of few deltas may add; of many it adds nothing. */
const SMALL = 64;

const NOTHING: EncodedValues = { encoding: PLAIN, entries: 0, bounds: undefined };

/** Numbers that grow from row to row: a dictionary need not be tried. */
function isDelta({ type, unit, name }: Column): boolean {
  return type === 'timestamp' || unit === 'ns since boot' || name === 'packet';
}

export class ValueEncoder {
  /** Body of the dictionary page of the last column that has one. */
  readonly entries = new ByteSink();
  private readonly gathered = new Gathered();
  private readonly dictionary = new Dictionary();
  private readonly names = new NameDictionary();

  /** @param present rows that have a value. */
  encode(
    column: Column,
    index: number,
    spans: readonly Span[],
    present: number,
    body: ByteSink,
  ): EncodedValues {
    if (present === 0) return NOTHING;
    this.entries.clear();
    if (column.type === 'name') return this.putNames(spans, index, present, body);
    if (column.type === 'bool' && !hasNulls(spans, index)) {
      return putWholeBits(spans, index, present, body);
    }
    this.gathered.gather(spans, column, index);
    if (column.type === 'bool') return this.putBits(body);
    if (this.gathered.isOneValue(strideOf(column))) return this.putOne(column, body);
    if (isDelta(column)) return this.putDeltas(column, body) ?? this.putWords(column, body);
    return (
      this.putIndexed(column, body) ?? this.putDeltas(column, body) ?? this.putWords(column, body)
    );
  }

  private putBits(body: ByteSink): EncodedValues {
    const { words, count } = this.gathered;
    const start = body.at;
    body.u32(0);
    const first = words[0]!;
    const isOne = this.gathered.isOneValue(1);
    if (isOne) putRun(body, first, count, 1);
    else putPacked(body, words, count, 1);
    body.setU32(start, body.at - start - 4);
    const least = Uint8Array.of(isOne ? first : 0);
    const greatest = Uint8Array.of(isOne ? first : 1);
    return { encoding: RLE, entries: 0, bounds: { least, greatest } };
  }

  private putOne(column: Column, body: ByteSink): EncodedValues {
    const { words, count } = this.gathered;
    this.dictionary.buildOne(words, strideOf(column));
    body.byte(1);
    putRun(body, 0, count, 1);
    return this.putEntries(column);
  }

  /** Undefined where they would be larger than the values. */
  private putDeltas(column: Column, body: ByteSink): EncodedValues | undefined {
    const { words, count } = this.gathered;
    const stride = strideOf(column);
    const start = body.at;
    const growth = stride === 4 ? undefined : putDelta(body, words, count, stride);
    if (growth === undefined) return undefined;
    if (body.at - start > count * stride * 4 + SMALL) {
      body.at = start;
      return undefined;
    }
    const bounds =
      growth === 'only up'
        ? boundsOfGrowing(words, count, stride)
        : boundsOf(words, count, stride, orderOf(column));
    return { encoding: DELTA_BINARY_PACKED, entries: 0, bounds };
  }

  /** Undefined where there are too many different ones. */
  private putIndexed(column: Column, body: ByteSink): EncodedValues | undefined {
    const { words, count } = this.gathered;
    if (!this.dictionary.build(words, count, strideOf(column))) return undefined;
    putIndexes(body, this.dictionary.indexes, count, this.dictionary.count);
    return this.putEntries(column);
  }

  /** As they are, which is the plain form. */
  private putWords(column: Column, body: ByteSink): EncodedValues {
    const { words, count } = this.gathered;
    const stride = strideOf(column);
    body.put(new Uint8Array(words.buffer, 0, count * stride * 4));
    return { encoding: PLAIN, entries: 0, bounds: boundsOf(words, count, stride, orderOf(column)) };
  }

  private putEntries(column: Column): EncodedValues {
    const { entries, count } = this.dictionary;
    if (column.type === 'code') return this.putWordsOf(column);
    const stride = strideOf(column);
    this.entries.put(new Uint8Array(entries.buffer, 0, count * stride * 4));
    const bounds = boundsOf(entries, count, stride, orderOf(column));
    return { encoding: RLE_DICTIONARY, entries: count, bounds };
  }

  private putWordsOf({ name, words = [] }: Column): EncodedValues {
    const { entries, count } = this.dictionary;
    const used = Array.from(entries.subarray(0, count), (code) => {
      const word = words[code];
      if (word === undefined) throw new RangeError(`${name} has code ${code}`);
      return Buffer.from(word);
    });
    for (const word of used) putName(this.entries, word, 0, word.length);
    const sorted = used.sort(Buffer.compare);
    const bounds = { least: sorted[0]!, greatest: sorted.at(-1)! };
    return { encoding: RLE_DICTIONARY, entries: count, bounds };
  }

  private putNames(
    spans: readonly Span[],
    index: number,
    present: number,
    body: ByteSink,
  ): EncodedValues {
    const { names, gathered } = this;
    names.clear(present);
    for (const span of spans) {
      const { values, offsets } = span.columns[index]!;
      const rows = gathered.present(span, index);
      if (!names.add(values, asWords(offsets!), rows, span)) {
        return this.putPlainNames(spans, index, body);
      }
    }
    this.entries.put(names.entries.written);
    putIndexes(body, names.indexes, names.values, names.count);
    return { encoding: RLE_DICTIONARY, entries: names.count, bounds: names.bounds };
  }

  /** Without bounds: of so many different names they would tell nothing. */
  private putPlainNames(spans: readonly Span[], index: number, body: ByteSink): EncodedValues {
    for (const span of spans) {
      const memory = span.columns[index]!;
      const bytes = memory.values;
      const offsets = asWords(memory.offsets!);
      const rows = this.gathered.present(span, index);
      for (let i = 0; i < (rows?.length ?? span.rows); i++) {
        const row = rows === undefined ? span.from + i : rows[i]!;
        putName(body, bytes, offsets[row]!, offsets[row + 1]!);
      }
    }
    return NOTHING;
  }
}

/** Bits without nulls are in the form already. */
function putWholeBits(
  spans: readonly Span[],
  index: number,
  present: number,
  body: ByteSink,
): EncodedValues {
  const set = putBits(body, spans, ({ columns }) => columns[index]!.values);
  const least = Uint8Array.of(set === present ? 1 : 0);
  const greatest = Uint8Array.of(set === 0 ? 0 : 1);
  return { encoding: RLE, entries: 0, bounds: { least, greatest } };
}

function putIndexes(body: ByteSink, indexes: Int32Array, count: number, entries: number): void {
  const width = indexWidth(entries);
  body.byte(width);
  if (entries === 1) putRun(body, 0, count, width);
  else putPacked(body, indexes, count, width);
}
