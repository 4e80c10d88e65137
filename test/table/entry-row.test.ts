import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addressOfView, CallMemory } from '../../src/libbpf/address.ts';
import { loadTableShim, tableShim } from '../../src/libbpf/table-shim.ts';
import { addressText } from '../../src/model/address.ts';
import {
  byteAt,
  ENTRY_BYTES,
  EntryHas,
  EntryRows,
  EntryWord,
  halfAt,
  wideAt,
} from '../../src/model/entry-row.ts';
import { helperAt, labelBits } from '../../src/table/show-text.ts';
import { attribute, nest, newEntry, tuple, u8, u16, u32, u64 } from './messages.ts';

const call = new CallMemory(96);
const rows = new EntryRows(4);

beforeAll(() => {
  expect(tableShim().table_open(call.address)).toBe(0);
  call.wide[2] = addressOfView(rows.words);
  call.narrow[10] = rows.capacity;
});
afterAll(() => tableShim().table_close(call.address));

function fed(message: Buffer): void {
  expect(tableShim().table_feed(call.address, message, message.length)).toBe(0);
  rows.length = call.narrow[12]!;
}

const ORIG = [
  { address: [10, 1, 2, 3], port: 1001 },
  { address: [10, 1, 2, 4], port: 1002 },
] as const;
const REPLY = [
  { address: [10, 1, 2, 5], port: 1003 },
  { address: [10, 1, 2, 6], port: 1004 },
] as const;
const labels = Buffer.alloc(16);
labels[0] = 0b100;
labels[15] = 0x80;

// no two fields alike: each shows at its own place, or the test fails
const WHOLE = newEntry(
  2,
  tuple(1, 132, ORIG[0], ORIG[1], 21),
  tuple(2, 132, REPLY[0], REPLY[1], 22),
  u32(3, 0x3001),
  nest(4, nest(3, u8(1, 7), u32(2, 0x11223344), u32(3, 0x55667788))),
  u32(7, 4002),
  u32(8, 4003),
  nest(9, u64(1, 0x1_0000_0005n), u64(2, 0x2_0000_0006n)),
  nest(10, u64(1, 0x3_0000_0007n), u64(2, 0x4_0000_0008n)),
  u32(11, 4004),
  u32(12, 4005),
  u16(18, 23),
  nest(20, u64(1, 5_000_000_009n), u64(2, 6_000_000_010n)),
  attribute(22, labels),
  nest(5, attribute(1, Buffer.from('pptp\0'))),
);

describe('a row of the shim', () => {
  it('has each field at its place', () => {
    fed(WHOLE);
    expect(rows.length).toBe(1);
    const { words, bytes } = rows;
    const at = (word: number) => words[word]! >>> 0;
    expect([0, 1, 2, 3].map((byte) => byteAt(words, EntryWord.kind, byte))).toEqual([4, 132, 7, 1]);
    expect(at(EntryWord.status)).toBe(0x3001);
    expect(at(EntryWord.timeoutS)).toBe(4002);
    expect(at(EntryWord.mark)).toBe(4003);
    expect(at(EntryWord.use)).toBe(4004);
    expect(at(EntryWord.id)).toBe(4005);
    const zones = [halfAt(words, EntryWord.zones, 0), halfAt(words, EntryWord.zones, 1)];
    expect([...zones, halfAt(words, EntryWord.zoneReply, 0)]).toEqual([23, 21, 22]);
    const ports = [EntryWord.origPorts, EntryWord.replyPorts].flatMap((word) => [
      halfAt(words, word, 0),
      halfAt(words, word, 1),
    ]);
    expect(ports).toEqual([1001, 1002, 1003, 1004]);
    const addresses = (['origSrc', 'origDst', 'replySrc', 'replyDst'] as const).map((key) =>
      addressText(bytes, EntryWord[key] * 4),
    );
    expect(addresses).toEqual(['10.1.2.3', '10.1.2.4', '10.1.2.5', '10.1.2.6']);
    const wide = [0, 2].flatMap((more) => [
      wideAt(words, EntryWord.packets + more),
      wideAt(words, EntryWord.bytes + more),
    ]);
    expect(wide).toEqual([0x1_0000_0005n, 0x2_0000_0006n, 0x3_0000_0007n, 0x4_0000_0008n]);
    expect(wideAt(words, EntryWord.startNs)).toBe(5_000_000_009n);
    expect(wideAt(words, EntryWord.stopNs)).toBe(6_000_000_010n);
    expect(labelBits(words, 0)).toEqual([2, 127]);
    expect(helperAt(bytes, 0)).toBe('pptp');
    // the packet's bytes, read by this machine
    expect([at(EntryWord.vtags), at(EntryWord.vtags + 1)]).toEqual([0x44332211, 0x88776655]);
  });

  it('says which fields it has', () => {
    fed(WHOLE);
    const { role: _, master, srcNat, dstNat, labelsMask, more, ...all } = EntryHas;
    const wanted = Object.values(all).reduce<number>((bits, bit) => bits | bit, 0);
    expect(rows.words[EntryWord.has]).toBe(wanted);
    expect(wanted & (master | srcNat | dstNat | labelsMask | more)).toBe(0);
    fed(newEntry(2, tuple(1, 6, ORIG[0], ORIG[1], 21)));
    const { orig, origPorts, zoneOrig } = EntryHas;
    expect(rows.words[EntryWord.has]).toBe(orig | origPorts | zoneOrig);
    expect(rows.words[EntryWord.mark]).toBe(0);
  });

  it('comes one behind the other, as many as there is room for', () => {
    fed(Buffer.concat([WHOLE, WHOLE, WHOLE, WHOLE, WHOLE, WHOLE]));
    expect(rows.length).toBe(4);
    expect(rows.bytes.subarray(0, 44)).toEqual(rows.bytes.subarray(ENTRY_BYTES, ENTRY_BYTES + 44));
  });
});

describe('the library', () => {
  it('is asked for by name where it is not there, or cannot be loaded', () => {
    expect(() => loadTableShim('/nonexistent/table.so')).toThrow(
      '/nonexistent/table.so is not there',
    );
    expect(() => loadTableShim('/etc/hostname')).toThrow(
      '/etc/hostname cannot be loaded, needed libnetfilter_conntrack and libmnl',
    );
  });
});
