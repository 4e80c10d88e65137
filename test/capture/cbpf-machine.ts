/** Classic BPF as libpcap's pcap_filter() runs it; slow and plain. */
import type { Cbpf } from '../../src/capture/cbpf.ts';

class Outside extends Error {}

function fetch(packet: Uint8Array, at: number, size: number): number {
  if (at + size > packet.length) throw new Outside();
  let value = 0;
  for (let index = 0; index < size; index++) value = value * 256 + packet[at + index]!;
  return value;
}

function compute(code: number, a: number, b: number): number {
  switch (code & 0xf0) {
    case 0x00:
      return (a + b) >>> 0;
    case 0x10:
      return (a - b) >>> 0;
    case 0x20:
      return Math.imul(a, b) >>> 0;
    case 0x30:
      if (b === 0) throw new Outside();
      return Math.floor(a / b);
    case 0x40:
      return (a | b) >>> 0;
    case 0x50:
      return (a & b) >>> 0;
    case 0x60:
      return b > 31 ? 0 : (a << b) >>> 0;
    case 0x70:
      return b > 31 ? 0 : a >>> b;
    case 0x80:
      return -a >>> 0;
    case 0x90:
      if (b === 0) throw new Outside();
      return a % b;
    case 0xa0:
      return (a ^ b) >>> 0;
  }
  throw new Error(`code ${code}`);
}

function compare(code: number, a: number, b: number): boolean {
  switch (code & 0xf0) {
    case 0x10:
      return a === b;
    case 0x20:
      return a > b;
    case 0x30:
      return a >= b;
  }
  return (a & b) !== 0;
}

/** `packet` is what was captured of `length` bytes. */
export function runCbpf(program: readonly Cbpf[], packet: Uint8Array, length: number): boolean {
  try {
    return run(program, packet, length);
  } catch (error) {
    if (error instanceof Outside) return false;
    throw error;
  }
}

function run(program: readonly Cbpf[], packet: Uint8Array, length: number): boolean {
  const cells = new Uint32Array(16);
  let a = 0;
  let x = 0;
  for (let at = 0; ; at++) {
    const { code, jt, jf, k } = program[at]!;
    const size = code & 0x10 ? 1 : code & 0x08 ? 2 : 4;
    const operand = code & 0x08 ? x : k;
    const mode = code & 0xe0;
    if ((code & 7) === 6) return ((code & 0x18) === 0x10 ? a : k) !== 0;
    if ((code & 7) === 2) cells[k] = a;
    else if ((code & 7) === 3) cells[k] = x;
    else if ((code & 7) === 4) a = compute(code, a, operand);
    else if (code === 0x05) at += k | 0;
    else if ((code & 7) === 5) at += compare(code, a, operand) ? jt : jf;
    else if (code === 0x07) x = a;
    else if (code === 0x87) a = x;
    else {
      const value =
        mode === 0x00
          ? k
          : mode === 0x20
            ? fetch(packet, k, size)
            : mode === 0x40
              ? fetch(packet, x + k, size)
              : mode === 0x60
                ? cells[k]!
                : mode === 0x80
                  ? length
                  : (fetch(packet, k, 1) & 15) * 4;
      if ((code & 7) === 0) a = value;
      else x = value;
    }
  }
}
