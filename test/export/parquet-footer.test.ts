import { describe, expect, it } from 'vitest';
import { keyValueField } from '../../src/export/parquet/file-metadata.ts';
import { footerLength, readKeyValues } from '../../src/export/parquet-footer.ts';
import { STRUCT } from '../../src/export/thrift.ts';
import { binaryField, boolField, i32Field, structBytes } from '../../src/export/thrift-write.ts';

/** A footer as of another writer: number of rows, created_by, a far field. */
function footer(keyValues: Record<string, string>): Uint8Array {
  const list = i32Field(1, 2);
  return structBytes([list, keyValueField(keyValues), binaryField(6, 'hi'), boolField(40, true)]);
}

describe('readKeyValues', () => {
  it('finds them among other fields', () => {
    const many = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`k${i}`, `v${i}`]));
    for (const pairs of [{}, { key: 'välue', other: '' }, many]) {
      expect(Object.fromEntries(readKeyValues(footer(pairs)))).toEqual(pairs);
    }
  });

  it('refuses a footer that is cut anywhere', () => {
    const whole = footer({ key: 'x'.repeat(300) });
    for (let length = 0; length < whole.length; length++) {
      expect(() => readKeyValues(whole.subarray(0, length)), `${length}`).toThrow(
        /^the footer .* needed a Parquet footer$/,
      );
    }
  });

  it('refuses nesting without end', () => {
    const deep = new Uint8Array(1000).fill((1 << 4) | STRUCT);
    expect(() => readKeyValues(deep)).toThrow('is nested too deeply');
  });
});

describe('footerLength', () => {
  it('refuses a length beyond the file', () => {
    const tail = Buffer.from([0xff, 0xff, 0xff, 0x7f, ...Buffer.from('PAR1')]);
    expect(() => footerLength(tail, 100)).toThrow(
      'the footer says 2147483647 bytes, the file has 88 for it',
    );
  });

  it('refuses another end', () => {
    expect(() => footerLength(Buffer.from('12345678'), 100)).toThrow(
      'byte 96 has "5678", needed "PAR1"',
    );
  });
});
