/** Addresses as rules write them, to intervals whose ends are written one way. */
import { isIPv4, isIPv6 } from 'node:net';
import { addressText } from '../model/address.ts';
import type { Interval } from '../model/ruleset.ts';

const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/** 16 bytes in network order, IPv4 as IPv4-mapped; undefined: no address. */
export function addressBytes(text: string): Uint8Array | undefined {
  if (isIPv4(text)) return Uint8Array.from([...MAPPED, ...text.split('.').map(Number)]);
  if (!isIPv6(text) || text.includes('%')) return undefined;
  const [head = '', tail] = dottedTailAsGroups(text).split('::');
  const first = groupsOf(head);
  const last = groupsOf(tail ?? '');
  const zeros = Array<number>(8 - first.length - last.length).fill(0);
  return Uint8Array.from([...first, ...zeros, ...last].flatMap((group) => [group >> 8, group]));
}

function groupsOf(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
}

function dottedTailAsGroups(text: string): string {
  const [, head, dotted] = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text) ?? [];
  if (head === undefined || dotted === undefined) return text;
  const [a = 0, b = 0, c = 0, d = 0] = dotted.split('.').map(Number);
  return `${head}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}

/** `10.0.0.0`, 24 to `10.0.0.0`, `10.0.0.255`; undefined: no address, or no such length. */
export function prefixInterval(text: string, length: number): Interval | undefined {
  const first = addressBytes(text);
  if (first === undefined) return undefined;
  const bits = isIPv4(text) ? length + 96 : length;
  if (!(bits >= 0 && bits <= 128)) return undefined;
  const last = Uint8Array.from(first);
  for (let bit = bits; bit < 128; bit++) {
    const one = 0x80 >> (bit & 7);
    first[bit >> 3]! &= ~one;
    last[bit >> 3]! |= one;
  }
  return [addressText(first), addressText(last)];
}

export function addressInterval(first: string, last = first): Interval | undefined {
  const ends = [addressBytes(first), addressBytes(last)];
  return ends[0] && ends[1] && [addressText(ends[0]), addressText(ends[1])];
}

/** An address, `first-last`, `address/length` or `address/mask`; undefined for a mask with holes. */
export function rangeInterval(text: string): Interval | undefined {
  const [first = '', last] = text.split('-');
  if (last !== undefined) return addressInterval(first, last);
  const [address = '', size] = text.split('/');
  if (size === undefined) return addressInterval(address);
  const length = /^\d+$/.test(size) ? Number(size) : maskLength(size);
  return length === undefined ? undefined : prefixInterval(address, length);
}

/** `255.255.255.0` to 24; undefined for a mask with holes. */
function maskLength(mask: string): number | undefined {
  const bytes = addressBytes(mask);
  if (bytes === undefined) return undefined;
  const own = isIPv4(mask) ? bytes.subarray(12) : bytes;
  const bits = Array.from(own, (byte) => byte.toString(2).padStart(8, '0')).join('');
  return /^1*0*$/.test(bits) ? bits.lastIndexOf('1') + 1 : undefined;
}
