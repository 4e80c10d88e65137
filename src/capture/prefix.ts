import { isIPv4, isIPv6 } from 'node:net';

/** An address and how many of its leading bits count: 32 or 128 for one host. */
export interface Prefix {
  readonly family: 4 | 6;
  readonly address: string;
  readonly bits: number;
}

const MAPPED_BITS = 96; // an IPv4 address stands behind 96 bits (RFC 4291, 2.5.5.2)

/** undefined: no prefix at all. 'host bits': bits are set that the prefix does not count. */
export function parsePrefix(text: string, hasBits: boolean): Prefix | 'host bits' | undefined {
  const [address = '', digits, ...rest] = text.split('/');
  const family = isIPv4(address) ? 4 : isIPv6(address) ? 6 : undefined;
  if (family === undefined || rest.length > 0 || address.includes('%')) return undefined;
  if (hasBits !== (digits !== undefined)) return undefined;
  const most = family === 4 ? 32 : 128;
  if (digits !== undefined && !/^\d{1,3}$/.test(digits)) return undefined;
  const bits = Number(digits ?? most);
  if (bits > most) return undefined;
  const bytes = addressBytes(address);
  const mask = maskBytes(family, bits);
  if (bytes.some((byte, index) => (byte & ~mask[index]!) !== 0)) return 'host bits';
  return { family, address, bits };
}

/** `host 10.0.0.1` or `net 10.0.0.0/8`. */
export function prefixText({ family, address, bits }: Prefix): string {
  return bits === (family === 4 ? 32 : 128) ? `host ${address}` : `net ${address}/${bits}`;
}

/** Address and mask, 16 bytes each, network order. */
export function writePrefix(prefix: Prefix, to: Uint8Array, address: number, mask: number): void {
  to.set(addressBytes(prefix.address), address);
  to.set(maskBytes(prefix.family, prefix.bits), mask);
}

function maskBytes(family: 4 | 6, bits: number): Uint8Array {
  const counted = bits + (family === 4 ? MAPPED_BITS : 0);
  return Uint8Array.from({ length: 16 }, (_, index) => {
    const inByte = Math.min(8, Math.max(0, counted - index * 8));
    return 0xff & (0xff00 >> inByte);
  });
}

/** 16 bytes, network order, IPv4 as IPv4-mapped; of a text that isIPv4 or isIPv6 accepts. */
export function addressBytes(text: string): Uint8Array {
  const whole = isIPv4(text) ? `::ffff:${text}` : text;
  const [head = '', tail] = whole.split('::');
  const before = groupsOf(head);
  const after = tail === undefined ? [] : groupsOf(tail);
  const gap = Array.from({ length: 8 - before.length - after.length }, () => 0);
  return Uint8Array.from(
    [...before, ...gap, ...after].flatMap((group) => [group >>> 8, group & 0xff]),
  );
}

/** 16-bit groups; a dotted IPv4 at the end is two of them. */
function groupsOf(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number);
    return [(a << 8) | b, (c << 8) | d];
  });
}
