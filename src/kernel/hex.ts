/** Hexadecimal numbers of a kernel's text, of a fixed number of digits. */

/** Sixteen digits. */
export function readHex(text: Buffer, at: number): bigint {
  return (BigInt(readHexWord(text, at)) << 32n) | BigInt(readHexWord(text, at + 8));
}

/** Eight digits, in lower case. */
export function readHexWord(text: Buffer, at: number): number {
  let word = 0;
  for (let digit = at; digit < at + 8; digit++) {
    const code = text[digit]!;
    word = (word << 4) | (code <= 0x39 ? code & 0xf : (code & 0xf) + 9);
  }
  return word >>> 0;
}
