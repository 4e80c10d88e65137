import { describe, expect, it } from 'vitest';
import { addKeyValues, footerLength, readKeyValues } from '../../src/export/parquet-footer.ts';
import { LIST, STRUCT, structBytes, ThriftReader } from '../../src/export/thrift.ts';

const I32 = 5;
/** A footer as of another writer: number of rows, no key-values, created_by, a far field. */
const FOOTER = structBytes([
  { id: 1, type: I32, value: Uint8Array.of(4) },
  { id: 2, type: LIST, value: Uint8Array.of(0x1c, 0x15, 0x06, 0) }, // one struct {1: i32}
  { id: 6, type: 8, value: Uint8Array.of(2, 0x68, 0x69) },
  { id: 40, type: 1, value: new Uint8Array(0) },
]);

describe('addKeyValues', () => {
  it('keeps the bytes of all other fields', () => {
    const added = addKeyValues(FOOTER, { key: 'välue', other: '' });
    const fields = new ThriftReader(added).struct();
    expect(fields.map(({ id }) => id)).toEqual([1, 2, 5, 6, 40]);
    const others = fields.filter(({ id }) => id !== 5);
    expect(structBytes(others)).toEqual(FOOTER);
    expect(Object.fromEntries(readKeyValues(added))).toEqual({ key: 'välue', other: '' });
  });

  it('adds to those that are there and replaces one of the same name', () => {
    const once = addKeyValues(FOOTER, { a: '1', b: '2' });
    const many = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`k${i}`, `v${i}`]));
    const found = readKeyValues(addKeyValues(once, { b: '3', ...many }));
    expect(Object.fromEntries(found)).toEqual({ a: '1', b: '3', ...many });
  });

  it('refuses a footer that is cut anywhere', () => {
    const whole = addKeyValues(FOOTER, { key: 'x'.repeat(300) });
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
