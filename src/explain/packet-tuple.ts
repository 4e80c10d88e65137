/** The tuple of a packet without an entry, as words of a key and back. */
import type { BatchView } from '../columns/batch-view.ts';
import { addressText } from '../model/address.ts';

/** Words: family and protocol, ports, source (4), destination (4). */
export const TUPLE_WIDTH = 10;

export interface PacketTuple {
  readonly family: 4 | 6;
  readonly protocol: number;
  readonly src: string;
  readonly dst: string;
  readonly srcPort: number;
  readonly dstPort: number;
}

export function putTuple(key: Int32Array, start: number, view: BatchView, row: number): void {
  key[start] = view.numbers('family')[row]! | (view.numbers('protocol')[row]! << 8);
  key[start + 1] = view.numbers('src_port')[row]! | (view.numbers('dst_port')[row]! << 16);
  for (const [name, at] of [
    ['src', 2],
    ['dst', 6],
  ] as const) {
    const bytes = view.bytes(name);
    for (let i = 0; i < 16; i += 4) {
      const from = row * 16 + i;
      key[start + at + i / 4] =
        bytes[from]! |
        (bytes[from + 1]! << 8) |
        (bytes[from + 2]! << 16) |
        (bytes[from + 3]! << 24);
    }
  }
}

export function tupleOf(word: (place: number) => number): PacketTuple {
  const address = (at: number): string => {
    const bytes = new Uint8Array(16);
    for (let i = 0; i < 16; i++) bytes[i] = word(at + (i >>> 2)) >>> ((i & 3) * 8);
    return addressText(bytes);
  };
  const family = (word(0) & 255) === 4 ? 4 : 6;
  const [srcPort, dstPort] = [word(1) & 0xffff, word(1) >>> 16];
  return {
    family,
    protocol: (word(0) >>> 8) & 255,
    src: address(2),
    dst: address(6),
    srcPort,
    dstPort,
  };
}
