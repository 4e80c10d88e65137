/** A message about an expectation, as the shim hands it over and as rows, text and lines have it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BatchBuilder } from '../../src/columns/batch.ts';
import { BatchView } from '../../src/columns/batch-view.ts';
import { addressOfView, CallMemory } from '../../src/libbpf/address.ts';
import { tableShim } from '../../src/libbpf/table-shim.ts';
import { addressText } from '../../src/model/address.ts';
import { byteAt, EntryRows, EntryWord, halfAt } from '../../src/model/entry-row.ts';
import {
  addressesWord,
  ExpectHas,
  ExpectTuple,
  ExpectWord,
  portsBit,
  portsWord,
  tupleBit,
} from '../../src/model/expect-row.ts';
import { EXPECTATIONS } from '../../src/model/expectations-table.ts';
import { ExpectTableRows } from '../../src/table/expect-table-row.ts';
import {
  expectFlagsAt,
  expectHelperAt,
  expectNatText,
  expectTupleAt,
  expectZoneAt,
} from '../../src/table/expect-text.ts';
import { attribute, nest, newExpectation, tuple, u16, u32 } from './messages.ts';

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

const end = (last: number, port: number) => ({ address: [10, 1, 2, last], port });
const mask = (last: number, port: number) => ({ address: [255, 255, 255, last], port });

// no two fields alike: each shows at its own place, or the test fails
const WHOLE = newExpectation(
  2,
  tuple(2, 6, end(0, 20), end(4, 5004)),
  tuple(3, 6, mask(0, 0), mask(255, 65535)),
  tuple(1, 6, end(5, 5005), end(6, 21)),
  u32(4, 4002),
  u32(5, 0x80004005),
  attribute(6, Buffer.from('Q.931\0')),
  u16(7, 23),
  u32(8, 6),
  u32(9, 3),
  nest(10, u32(1, 1), tuple(2, 6, end(7, 5007), end(8, 5008))),
);

describe('a row of an expectation', () => {
  it('has each field at its place', () => {
    fed(WHOLE);
    expect(rows.length).toBe(1);
    const { words, bytes } = rows;
    expect([0, 1, 2, 3].map((byte) => byteAt(words, EntryWord.kind, byte))).toEqual([4, 6, 0, 1]);
    const at = (word: number) => words[word]! >>> 0;
    expect(at(ExpectWord.flags)).toBe(6);
    expect(at(ExpectWord.timeoutS)).toBe(4002);
    expect(at(ExpectWord.class)).toBe(3);
    expect(at(ExpectWord.id)).toBe(0x80004005);
    expect(at(ExpectWord.natDirection)).toBe(1);
    expect(halfAt(words, ExpectWord.zone, 0)).toBe(23);
    const tuples = Object.values(ExpectTuple);
    const ports = tuples.flatMap((one) =>
      [0, 1].map((high) => halfAt(words, portsWord(one), high as 0 | 1)),
    );
    expect(ports).toEqual([20, 5004, 0, 65535, 5005, 21, 5007, 5008]);
    const addresses = tuples.flatMap((one) =>
      [0, 4].map((more) => addressText(bytes, (addressesWord(one) + more) * 4)),
    );
    expect(addresses).toEqual([
      ...['10.1.2.0', '10.1.2.4', '255.255.255.0', '255.255.255.255'],
      ...['10.1.2.5', '10.1.2.6', '10.1.2.7', '10.1.2.8'],
    ]);
    expect(expectHelperAt(bytes, 0)).toBe('Q.931');
  });

  it('says which fields it has', () => {
    const all = Object.values(ExpectTuple).map((one) => tupleBit(one) | portsBit(one));
    const wanted = [...Object.values(ExpectHas), ...all].reduce<number>(
      (bits, bit) => bits | bit,
      0,
    );
    fed(WHOLE);
    expect(rows.words[ExpectWord.has]).toBe(wanted);
    fed(newExpectation(2, tuple(2, 6, end(1, 20), end(4, 5004)), u32(8, 1)));
    expect(rows.words[ExpectWord.has]).toBe(
      tupleBit(ExpectTuple.expected) | portsBit(ExpectTuple.expected) | ExpectHas.flags,
    );
  });

  it('is none without the flow that is expected', () => {
    fed(newExpectation(2, tuple(1, 6, end(5, 5005), end(6, 21)), u32(4, 4002)));
    expect(rows.length).toBe(0);
  });

  it('is text for people', () => {
    fed(WHOLE);
    expect(expectTupleAt(rows, 0, ExpectTuple.expected)).toBe(
      '10.1.2.0/255.255.255.0:* > 10.1.2.4:5004',
    );
    expect(expectTupleAt(rows, 0, ExpectTuple.master)).toBe('10.1.2.5:5005 > 10.1.2.6:21');
    expect(expectFlagsAt(rows.words, 0)).toEqual(['INACTIVE', 'USERSPACE']);
    expect(expectNatText(rows, 0)).toBe('NAT to 10.1.2.7:5007');
    expect(expectZoneAt(rows.words, 0)).toBe('zone 23');
    const nat = nest(10, u32(1, 0), tuple(2, 6, { address: [0, 0, 0, 0], port: 77 }, end(8, 0)));
    fed(newExpectation(2, tuple(2, 6, end(1, 20), end(4, 5004)), nat));
    expect(expectNatText(rows, 0)).toBe('NAT to port 77');
    expect(expectTupleAt(rows, 0, ExpectTuple.expected)).toBe('10.1.2.1:20 > 10.1.2.4:5004');
    expect(expectZoneAt(rows.words, 0)).toBe('');
  });
});

/** The one row of the table `expectations` that a message becomes. */
function rowOf(message: Buffer): Record<string, unknown> {
  fed(message);
  const table = new ExpectTableRows(4026531840, 1);
  table.add(rows, 0, 0x1_0000_0002n);
  const builder = new BatchBuilder(EXPECTATIONS, { clockOffsetNs: 0n, names: table.names.names });
  return new BatchView(builder.batch(table.buffer.words, 1), EXPECTATIONS).row(0);
}

describe('the table expectations', () => {
  it('has a column for each field', () => {
    expect(rowOf(WHOLE)).toEqual({
      ...{ netns: 4026531840, read_at: 0x1_0000_0002n, news: 'new', family: 4, protocol: 6 },
      ...{ src: '10.1.2.0', dst: '10.1.2.4', src_port: null, dst_port: 5004 },
      ...{ mask_src: '255.255.255.0', mask_dst: '255.255.255.255' },
      ...{ mask_src_port: 0, mask_dst_port: 65535 },
      ...{ master_src: '10.1.2.5', master_dst: '10.1.2.6' },
      ...{ master_src_port: 5005, master_dst_port: 21 },
      ...{ zone: 23, timeout_s: 4002, id: 0x80004005, class: 3, helper: 'Q.931' },
      ...{ permanent: false, inactive: true, userspace: true },
      ...{ nat_address: '10.1.2.7', nat_port: 5007, nat_direction: 'reply' },
    });
  });

  it('has null for what the kernel did not say', () => {
    expect(
      rowOf(newExpectation(2, tuple(2, 6, end(1, 20), end(4, 5004)), u32(8, 1))),
    ).toMatchObject({
      ...{ src_port: 20, mask_src_port: null, master_dst_port: null, timeout_s: null, id: null },
      ...{ class: null, helper: null, permanent: true, inactive: false },
      ...{ nat_address: null, nat_port: null, nat_direction: null },
    });
  });
});
