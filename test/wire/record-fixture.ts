/** Records as the kernel would send them, from named fields; no two fields equal unless asked for. */
import { isIPv4 } from 'node:net';
import { record, recordBytes } from '../../src/wire/layout.ts';

export type Field = keyof typeof record;
/** Numbers, wide ones as bigint; addresses as text; an array for the fields that are one. */
export type Fields = Partial<
  Record<Field, number | bigint | string | readonly (number | bigint)[]>
>;

type Width = 1 | 2 | 4 | 8 | 16;

const WIDTHS: Readonly<Partial<Record<Field, Width>>> = {
  ktimeNs: 8,
  skb: 8,
  firstNs: 8,
  parent: 8,
  flow: 8,
  cpu: 2,
  kind: 1,
  hook: 1,
  state: 1,
  family: 1,
  l4proto: 1,
  ctinfo: 1,
  verdict: 1,
  status: 2,
  flags: 2,
  traversalStartedNs: 8,
  traversalVisits: 1,
  traversalHooks: 1,
  src: 16,
  dst: 16,
  bothSrcPortReply: 2,
  bothDstPortReply: 2,
  bothEntry: 8,
  srcPort: 2,
  dstPort: 2,
  entry: 8,
  srcRule: 8,
  dstRule: 8,
  counted: 8,
  location: 8,
  cause: 1,
  text: 1,
  textAt: 8,
  rival: 8,
  said: 8,
};

const DISTINCT_HEAD: Fields = {
  ktimeNs: 0x0102_0304_8506_0708n,
  flow: 0x0000_0d00_8000_0e0fn,
  seq: 0x9011_1213,
  netns: 0xf000_0014,
  cpu: 5,
  hook: 3,
  family: 6,
  l4proto: 17,
  ctinfo: 2,
  verdict: 7,
  status: 0x8198,
  flags: 0x1a1b,
  mark: 0xc01c_1d1e,
};

/** Every field another value, the wide ones with both halves in use. */
export const DISTINCT: Fields = {
  ...DISTINCT_HEAD,
  skb: 0xffff_8881_9a0b_0c00n,
  kind: 4,
  src: '2001:db8::aa01',
  dst: '2001:db8::bb02',
  srcPort: 0xd11f,
  dstPort: 0xe220,
  zone: 0x8002_2122,
  entry: 0xffff_8882_a324_2526n,
};

/** The same of a traversal. */
export const DISTINCT_TRAVERSAL: Fields = {
  ...DISTINCT_HEAD,
  skb: 0xffff_8881_9a0b_0c00n,
  kind: 1,
  traversalStartedNs: 0x0102_0303_f127_2829n,
  traversalVisits: 9,
  traversalHooks: [0x2a, 0x2b, 0x2c],
  traversalAt: [0x8102_2d2e, 0x8203_2f30, 0x8304_3132, 0x8405_3334, 0x8506_3536],
  traversalSeen: 0x8607_3738,
  traversalLen: 0x8708_393a,
  traversalInIfindex: 0x8809_3b3c,
  traversalOutIfindex: 0x890a_3d3e,
};

/** RFC 4291, 2.2: 16 bytes of the text form; IPv4 as IPv4-mapped IPv6. */
export function addressBytes(text: string): Buffer {
  if (isIPv4(text)) {
    return Buffer.from([...Array<number>(10).fill(0), 0xff, 0xff, ...text.split('.').map(Number)]);
  }
  const [head = '', tail] = text.split('::');
  const groups = (part: string): string[] => part.split(':').filter((group) => group !== '');
  const after = tail === undefined ? [] : groups(tail);
  const zeros = Array<string>(8 - groups(head).length - after.length).fill('0');
  const all = [...groups(head), ...zeros, ...after];
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex');
}

/** One record: `fields` over all zeroes. */
export function recordOf(fields: Fields): Buffer {
  const bytes = Buffer.alloc(recordBytes);
  for (const [name, value] of Object.entries(fields)) {
    const field = name as Field;
    put(bytes, record[field], WIDTHS[field] ?? 4, value);
  }
  return bytes;
}

/** One record whose fields all differ, but for those given. */
export function distinctRecord(fields: Fields = {}): Buffer {
  return recordOf({ ...DISTINCT, ...fields });
}

export function joined(records: readonly Uint8Array[]): Buffer {
  return Buffer.concat(records);
}

/** The words of whole records, as a walk hands them out; owns its memory. */
export function wordsOf(bytes: Uint8Array): Int32Array {
  return new Int32Array(Uint8Array.from(bytes).buffer);
}

function put(bytes: Buffer, at: number, width: Width, value: Fields[Field]): void {
  if (Array.isArray(value)) {
    for (const [index, one] of value.entries()) put(bytes, at + index * width, width, one);
  } else if (width === 16) addressBytes(String(value)).copy(bytes, at);
  else if (width === 8) bytes.writeBigUInt64LE(BigInt(value as bigint), at);
  else bytes.writeUIntLE(Number(value) >>> 0, at, width);
}
