import { describe, expect, it } from 'vitest';
import { moduleChange } from '../../src/rebuild/modules.ts';
import { RecordFlag, RecordKind, record, recordBytes } from '../../src/wire/layout.ts';
import { recordWords } from '../../src/wire/words.ts';

/** Two records, the second of a module, so that a place is not taken for another. */
function records(name: string, flags: number): Int32Array {
  const bytes = Buffer.alloc(recordBytes * 2, 0x5a);
  bytes.fill(0, recordBytes);
  bytes.writeUInt8(RecordKind.module, recordBytes + record.kind);
  bytes.writeUInt16LE(flags, recordBytes + record.flags);
  bytes.write(name, recordBytes + record.src, 'latin1');
  return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2);
}

describe('a record of a module', () => {
  it('has its name, and whether it came or went', () => {
    expect(moduleChange(records('nft_masq', 0), recordWords)).toEqual({
      name: 'nft_masq',
      isGone: false,
    });
    expect(moduleChange(records('xt_nat', RecordFlag.moduleGone), recordWords)).toEqual({
      name: 'xt_nat',
      isGone: true,
    });
  });

  it('has a name that fills its place without an end', () => {
    const name = 'abcdefghijklmnopqrstuvwxyz_01234';
    expect(moduleChange(records(name, 0), recordWords).name).toBe(name);
  });
});
