/** Bytes 0..11 of an IPv4-mapped address (RFC 4291, 2.5.5.2) in network order. */
function isIpv4(bytes: Uint8Array, at: number): boolean {
  for (let index = 0; index < 10; index++) if (bytes[at + index] !== 0) return false;
  return bytes[at + 10] === 0xff && bytes[at + 11] === 0xff;
}

/** 16 bytes in network order to text: dotted, or as RFC 5952 says. */
export function addressText(bytes: Uint8Array, at = 0): string {
  if (isIpv4(bytes, at)) return Array.from(bytes.subarray(at + 12, at + 16)).join('.');
  const groups = Array.from(
    { length: 8 },
    (_, index) => (bytes[at + index * 2]! << 8) | bytes[at + index * 2 + 1]!,
  );
  const { start, length } = longestZeros(groups);
  const hex = (from: number, to?: number): string =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(':');
  if (length < 2) return hex(0);
  return `${hex(0, start)}::${hex(start + length)}`;
}

/** The first of the longest runs of zero groups: the one that "::" stands for. */
function longestZeros(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  return best;
}

/** `10.0.1.2:8080`, `[fd00::1]:8080`; protocols without ports: the address alone. */
export function endText(address: string, port: number, hasPort: boolean): string {
  if (!hasPort) return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
