/** One TCP segment without data, with the checksum that its addresses demand. */
import { isIPv6 } from 'node:net';

const TCP = 6;
const HEADER_BYTES = 20;
const WINDOW = 64_240;

/** The Internet checksum (RFC 1071) of bytes that may be odd in number. */
export function internetChecksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) {
    sum += (bytes[at]! << 8) | (bytes[at + 1] ?? 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** An address as its 4 or 16 bytes. */
export function addressBytes(address: string): Buffer {
  if (!isIPv6(address)) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail] = address.split('::');
  const groups = (text: string) => text.split(':').filter(Boolean);
  const after = tail === undefined ? [] : groups(tail);
  const zeros = 8 - groups(head).length - after.length;
  const all = [...groups(head), ...Array<string>(zeros).fill('0'), ...after];
  const bytes = Buffer.alloc(16);
  for (const [index, group] of all.entries()) bytes.writeUInt16BE(parseInt(group, 16), index * 2);
  return bytes;
}

/** RFC 793, 3.1 for IPv4; RFC 8200, 8.1 for IPv6. */
function pseudoHeader(source: string, target: string, length: number): Buffer {
  const tail = isIPv6(target) ? Buffer.alloc(8) : Buffer.alloc(4);
  tail[tail.length === 8 ? 7 : 1] = TCP;
  tail.writeUInt16BE(length, 2);
  return Buffer.concat([addressBytes(source), addressBytes(target), tail]);
}

export interface Segment {
  readonly source: string;
  readonly sourcePort: number;
  readonly target: string;
  readonly targetPort: number;
  readonly flags: number;
  readonly sequence: number;
}

export function encodeSegment(segment: Segment): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.writeUInt16BE(segment.sourcePort, 0);
  bytes.writeUInt16BE(segment.targetPort, 2);
  bytes.writeUInt32BE(segment.sequence, 4);
  bytes[12] = (HEADER_BYTES / 4) << 4;
  bytes[13] = segment.flags;
  bytes.writeUInt16BE(WINDOW, 14);
  const pseudo = pseudoHeader(segment.source, segment.target, HEADER_BYTES);
  bytes.writeUInt16BE(internetChecksum(Buffer.concat([pseudo, bytes])), 16);
  return bytes;
}
