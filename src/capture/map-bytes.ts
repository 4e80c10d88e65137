/** One 32-bit word as the kernel of this machine keeps it: a key or a value of a map. */
export function wordBytes(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}
