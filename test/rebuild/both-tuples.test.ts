import { describe, expect, it } from 'vitest';
import { copyBoth, hasBoth } from '../../src/rebuild/both-tuples.ts';
import { Flow, FlowExtra, layout } from '../../src/rebuild/flow-columns.ts';
import { type Fields, recordOf, wordsOf } from '../wire/record-fixture.ts';

const FIELDS = {
  bothSrc: 0x0201_a8c0,
  bothDst: 0x0703_010a,
  bothSrcReply: 0x0909_64c6,
  bothDstReply: 0xfb71_00cb,
  bothSrcPortReply: 0x1f91,
  bothDstPortReply: 0xe0a2,
  srcPort: 0xd11f,
  dstPort: 0x0050,
} as const satisfies Fields;

const wordsWith = (fields: Fields) => wordsOf(recordOf({ ...FIELDS, ...fields }));

function rowOf(fields: Fields): Int32Array {
  const row = new Int32Array(layout.stride + FlowExtra.words);
  copyBoth(wordsWith(fields), 0, row, 0);
  return row;
}

describe('a record with both tuples', () => {
  it('is known in the row it was copied to', () => {
    expect(hasBoth(wordsWith({}), 0, rowOf({}), 0)).toBe(true);
  });

  it.each(Object.keys(FIELDS))('is not that of a row with another %s', (name) => {
    expect(hasBoth(wordsWith({ [name]: 0x0102 }), 0, rowOf({}), 0)).toBe(false);
  });

  it('is not that of a row of IPv6', () => {
    const row = rowOf({});
    row[Flow.dst + 2] = 0x1234_5678;
    expect(hasBoth(wordsWith({}), 0, row, 0)).toBe(false);
  });

  it('has addresses as IPv4-mapped IPv6, in network order', () => {
    const bytes = Buffer.from(rowOf({}).buffer);
    const hex = (word: number) => bytes.subarray(word * 4, word * 4 + 16).toString('hex');
    expect(hex(Flow.src)).toBe('00000000000000000000ffffc0a80102');
    expect(hex(Flow.dstReply)).toBe('00000000000000000000ffffcb0071fb');
  });
});
