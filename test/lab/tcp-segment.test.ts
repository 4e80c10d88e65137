import { expect, it } from 'vitest';
import { addressBytes, encodeSegment, internetChecksum } from '../../src/lab/tcp-segment.ts';

it('sums the example of RFC 1071, section 3', () => {
  const bytes = Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7);
  expect(internetChecksum(bytes)).toBe(~0xddf2 & 0xffff);
});

it('takes an odd last byte as the upper half of a word', () => {
  expect(internetChecksum(Uint8Array.of(0x12, 0x34, 0x56))).toBe(~0x6834 & 0xffff);
});

it('spells addresses out in bytes', () => {
  expect([...addressBytes('203.0.113.2')]).toEqual([203, 0, 113, 2]);
  expect(addressBytes('fd00:2::1:a').toString('hex')).toBe('fd00000200000000000000000001000a');
  expect(addressBytes('::1').toString('hex')).toBe(`${'0'.repeat(31)}1`);
});

const segment = {
  sourcePort: 6001,
  targetPort: 80,
  flags: 0x03,
  sequence: 0x01020304,
};

it('fills the header of a segment in its order', () => {
  const bytes = encodeSegment({ ...segment, source: '10.0.1.2', target: '203.0.113.2' });
  expect(bytes.toString('hex', 0, 16)).toBe('177100500102030400000000' + '5003faf0');
});

it('gives a segment over IPv4 and IPv6 the checksum that makes the sum zero', () => {
  const four = encodeSegment({ ...segment, source: '10.0.1.2', target: '203.0.113.2' });
  const head4 = Buffer.from('0a000102cb0071020006' + '0014', 'hex');
  expect(internetChecksum(Buffer.concat([head4, four]))).toBe(0);
  const six = encodeSegment({ ...segment, source: 'fd00:1::2', target: 'fd00:2::2' });
  const addresses = [addressBytes('fd00:1::2'), addressBytes('fd00:2::2')];
  const head6 = Buffer.concat([...addresses, Buffer.from('0000001400000006', 'hex')]);
  expect(internetChecksum(Buffer.concat([head6, six]))).toBe(0);
});
