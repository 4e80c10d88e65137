import { compressors } from 'hyparquet-compressors';
import { describe, expect, it } from 'vitest';
import { Compressor, closeCompressor, openCompressor } from '../../src/libbpf/compressor.ts';

describe('Compressor', () => {
  it('makes frames that others read, one after another', () => {
    const handle = openCompressor(1);
    const compressor = new Compressor(handle);
    for (const length of [1, 255, 256, 65_791, 300_000]) {
      const bytes = Uint8Array.from({ length }, (_, i) => (i * i) >>> 7);
      const packed = new Uint8Array(compressor.bound(length));
      const written = compressor.compress(bytes, packed);
      const found = compressors.ZSTD?.(packed.subarray(0, written), length);
      expect(Buffer.compare(found!, bytes)).toBe(0);
    }
    closeCompressor(handle);
  });

  it('has room for what does not compress', () => {
    const handle = openCompressor(1);
    const compressor = new Compressor(handle);
    let state = 1;
    const bytes = Uint8Array.from({ length: 200_000 }, () => {
      state = Math.imul(state, 0x9e3779b1) + 12_345;
      return state >>> 24;
    });
    const bound = compressor.bound(bytes.length);
    expect(bound).toBeLessThan(bytes.length * 1.01);
    expect(compressor.compress(bytes, new Uint8Array(bound))).toBeGreaterThan(0);
    closeCompressor(handle);
  });

  it('says what did not fit', () => {
    const handle = openCompressor(1);
    const compressor = new Compressor(handle);
    expect(() => compressor.compress(new Uint8Array(1000), new Uint8Array(3))).toThrow(
      'compress 1000 bytes: ENOBUFS (no buffer space available)',
    );
    closeCompressor(handle);
  });
});
