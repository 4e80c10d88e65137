/**
 * As much of Thrift's compact protocol as a Parquet footer needs: taking a
 * struct apart into fields whose bytes stay as they are. Every read is checked
 * against the end of the bytes. thrift-write.ts is the other direction.
 */
import { TraceError } from '../model/error.ts';

/** Types of fields and list elements on the wire. */
export const BINARY = 8;
export const LIST = 9;
export const STRUCT = 12;

export interface ThriftField {
  readonly id: number;
  readonly type: number;
  /** The value without its header; empty for booleans, whose type is their value. */
  readonly value: Uint8Array;
}

/** Nesting of a footer is below ten; more is not a footer. */
const MAX_DEPTH = 32;

export class ThriftReader {
  readonly bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  byte(): number {
    const value = this.bytes[this.at];
    if (value === undefined) throw this.broken('ends');
    this.at++;
    return value;
  }

  /** Unsigned; beyond 2^53 it is no length or count, and skipped values do not matter. */
  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw this.broken('has an endless number');
  }

  binary(): Uint8Array {
    const length = this.varint();
    const start = this.at;
    this.move(length);
    return this.bytes.subarray(start, this.at);
  }

  list(): { type: number; count: number } {
    const head = this.byte();
    const short = head >>> 4;
    return { type: head & 15, count: short === 15 ? this.varint() : short };
  }

  /** The fields of the struct that starts here, in order. */
  struct(depth = 0): ThriftField[] {
    const fields: ThriftField[] = [];
    let id = 0;
    for (let head = this.byte(); head !== 0; head = this.byte()) {
      const delta = head >>> 4;
      id = delta === 0 ? this.zigzag() : id + delta;
      const type = head & 15;
      const start = this.at;
      if (type > 2) this.skip(type, depth);
      fields.push({ id, type, value: this.bytes.subarray(start, this.at) });
    }
    return fields;
  }

  private skip(type: number, depth: number): void {
    if (depth > MAX_DEPTH) throw this.broken('is nested too deeply');
    switch (type) {
      case 1: // booleans within lists take a byte each
      case 2:
      case 3:
        this.move(1);
        return;
      case 4:
      case 5:
      case 6:
        this.varint();
        return;
      case 7:
        this.move(8);
        return;
      case BINARY:
        this.binary();
        return;
      case LIST:
      case 10:
        this.skipList(depth);
        return;
      case STRUCT:
        this.struct(depth + 1);
        return;
      default:
        throw this.broken(`has a value of type ${type}`);
    }
  }

  private skipList(depth: number): void {
    const { type, count } = this.list();
    if (count > this.bytes.length) throw this.broken(`has a list of ${count}`);
    for (let i = 0; i < count; i++) this.skip(type, depth + 1);
  }

  private move(count: number): void {
    if (count > this.bytes.length - this.at) throw this.broken(`needs ${count} more bytes`);
    this.at += count;
  }

  private zigzag(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  broken(how: string): TraceError {
    const place = `byte ${this.at} of ${this.bytes.length}`;
    return new TraceError('corrupt', `the footer ${how} at ${place}, needed a Parquet footer`);
  }
}
