/**
 * One column of a batch under construction: typed arrays of its own, filled
 * run by run, then handed over to Arrow without a copy.
 */
import { type Data, makeData } from 'apache-arrow';
import { NULL_WORDS } from '../model/row-layout.ts';
import {
  copyAddress,
  copyBits,
  copyNarrow,
  copyPair,
  copyShifted,
  copyValidity,
  copyWord,
  type Run,
} from './copy.ts';
import { nameColumn } from './names.ts';
import type { Place } from './place.ts';
import { dictionaryOf } from './schema.ts';

export interface ColumnBuilder {
  fill(run: Run): void;
  finish(): Data;
}

interface Values {
  readonly fill: (run: Run) => void;
  readonly props: () => object;
}

function timestamps({ at, rows, clockOffsetNs }: Place): Values {
  const out = new Int32Array(rows * 2);
  const low = Number(BigInt.asUintN(32, clockOffsetNs));
  const high = Number(BigInt.asIntN(32, clockOffsetNs >> 32n));
  const data = new BigInt64Array(out.buffer);
  return { fill: (run) => copyShifted(run, at, out, low, high), props: () => ({ data }) };
}

function codes({ table, column, at, rows }: Place): Values {
  const data = new Int8Array(rows);
  const dictionary = dictionaryOf(table, column);
  return { fill: (run) => copyNarrow(run, at, data), props: () => ({ data, dictionary }) };
}

function narrow(data: Uint8Array | Uint16Array, at: number): Values {
  return { fill: (run) => copyNarrow(run, at, data), props: () => ({ data }) };
}

function wide(place: Place): Values {
  const { at, rows } = place;
  switch (place.column.type) {
    case 'u32': {
      const out = new Int32Array(rows);
      const data = new Uint32Array(out.buffer);
      return { fill: (run) => copyWord(run, at, out), props: () => ({ data }) };
    }
    case 'u64': {
      const out = new Int32Array(rows * 2);
      const data = new BigUint64Array(out.buffer);
      return { fill: (run) => copyPair(run, at, out), props: () => ({ data }) };
    }
    case 'address': {
      const out = new Int32Array(rows * 4);
      const data = new Uint8Array(out.buffer);
      return { fill: (run) => copyAddress(run, at, out), props: () => ({ data }) };
    }
    default: {
      const data = new Uint8Array((rows + 7) >>> 3);
      return { fill: (run) => copyBits(run, at, data), props: () => ({ data }) };
    }
  }
}

function valuesOf(place: Place): Values {
  const { rows, at } = place;
  switch (place.column.type) {
    case 'u8':
      return narrow(new Uint8Array(rows), at);
    case 'u16':
      return narrow(new Uint16Array(rows), at);
    case 'timestamp':
      return timestamps(place);
    case 'code':
      return codes(place);
    case 'name':
      return nameColumn(place);
    default:
      return wide(place);
  }
}

/** The null bits of a column that can be null; others have none. */
class Validity {
  readonly bits: Uint8Array;
  nulls = 0;
  private readonly word: number;
  private readonly bit: number;

  constructor(index: number, rows: number) {
    if (index >= NULL_WORDS * 32) throw new RangeError(`column ${index} has no null bit`);
    this.bits = new Uint8Array((rows + 7) >>> 3);
    this.word = index >>> 5;
    this.bit = index & 31;
  }

  fill(run: Run): void {
    this.nulls += copyValidity(run, this.word, this.bit, this.bits);
  }
}

export function columnBuilder(place: Place): ColumnBuilder {
  const { type, rows: length } = place;
  const values = valuesOf(place);
  if (!place.column.nullable) {
    return {
      fill: values.fill,
      finish: () => makeData({ type, length, nullCount: 0, ...values.props() }),
    };
  }
  const validity = new Validity(place.index, length);
  return {
    fill: (run) => {
      values.fill(run);
      validity.fill(run);
    },
    finish: () => {
      const nulls = { nullCount: validity.nulls, nullBitmap: validity.bits };
      return makeData({ type, length, ...nulls, ...values.props() });
    },
  };
}
