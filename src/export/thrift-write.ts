/** Thrift's compact protocol, written: structs out of fields whose bytes are known. */
import { BINARY, LIST, STRUCT, type ThriftField } from './thrift.ts';

export type { ThriftField } from './thrift.ts';

const BYTE = 3;
const I16 = 4;
const I32 = 5;
const I64 = 6;
const EMPTY = new Uint8Array(0);

/** A boolean's type is its value. */
export function boolField(id: number, value: boolean): ThriftField {
  return { id, type: value ? 1 : 2, value: EMPTY };
}

export function byteField(id: number, value: number): ThriftField {
  return { id, type: BYTE, value: Uint8Array.of(value) };
}

export function i16Field(id: number, value: number): ThriftField {
  return { id, type: I16, value: zigzagBytes(value) };
}

export function i32Field(id: number, value: number): ThriftField {
  return { id, type: I32, value: zigzagBytes(value) };
}

/** Up to 2^52. */
export function i64Field(id: number, value: number): ThriftField {
  return { id, type: I64, value: zigzagBytes(value) };
}

export function binaryField(id: number, value: string | Uint8Array): ThriftField {
  return { id, type: BINARY, value: binaryBytes(value) };
}

export function structField(id: number, fields: readonly ThriftField[]): ThriftField {
  return { id, type: STRUCT, value: structBytes(fields) };
}

export function structListField(id: number, items: readonly Uint8Array[]): ThriftField {
  return { id, type: LIST, value: listBytes(STRUCT, items) };
}

export function i32ListField(id: number, values: readonly number[]): ThriftField {
  return { id, type: LIST, value: listBytes(I32, values.map(zigzagBytes)) };
}

export function binaryListField(id: number, values: readonly string[]): ThriftField {
  return { id, type: LIST, value: listBytes(BINARY, values.map(binaryBytes)) };
}

function zigzagBytes(value: number): Uint8Array {
  return Uint8Array.from(varintBytes(value < 0 ? -value * 2 - 1 : value * 2));
}

function varintBytes(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  bytes.push(rest);
  return bytes;
}

function binaryBytes(value: string | Uint8Array): Uint8Array {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  return Buffer.concat([Uint8Array.from(varintBytes(bytes.length)), bytes]);
}

/** Of fields in ascending order of their numbers. */
export function structBytes(fields: readonly ThriftField[]): Uint8Array {
  const parts: Uint8Array[] = [];
  let last = 0;
  for (const { id, type, value } of fields) {
    const delta = id - last;
    const head = delta > 0 && delta < 16 ? [(delta << 4) | type] : [type, ...varintBytes(id * 2)];
    parts.push(Uint8Array.from(head), value);
    last = id;
  }
  return Buffer.concat([...parts, Uint8Array.of(0)]);
}

function listBytes(type: number, items: readonly Uint8Array[]): Uint8Array {
  const { length } = items;
  const head = length < 15 ? [(length << 4) | type] : [0xf0 | type, ...varintBytes(length)];
  return Buffer.concat([Uint8Array.from(head), ...items]);
}
