/** Bytes 0..11 of an IPv4-mapped address (RFC 4291, 2.5.5.2) in network order. */
function isIpv4(bytes: Uint8Array, at: number): boolean {
  for (let index = 0; index < 10; index++) if (bytes[at + index] !== 0) return false;
  return bytes[at + 10] === 0xff && bytes[at + 11] === 0xff;
}

/** 16 bytes in network order to text: dotted, or as RFC 5952 says. */
export function addressText(bytes: Uint8Array, at = 0): string {
  if (isIpv4(bytes, at)) {
    return `${bytes[at + 12]}.${bytes[at + 13]}.${bytes[at + 14]}.${bytes[at + 15]}`;
  }
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

/**
 * An address as something to compare: IPv4 a number below 2^32, IPv6 a bigint
 * below 2^128. undefined: no address at all.
 */
export function addressValue(text: string): number | bigint | undefined {
  if (!text.includes(':')) return ipv4Value(text);
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const low = dotted === null ? 0 : ipv4Value(dotted[2]!);
  if (low === undefined) return undefined;
  const tail = dotted === null ? '' : `${(low >>> 16).toString(16)}:${(low & 0xffff).toString(16)}`;
  const [head = '', rest, ...more] = (dotted === null ? text : dotted[1]! + tail).split('::');
  const groups = [groupsOf(head), groupsOf(rest ?? '')] as const;
  const zeros = 8 - groups[0].length - groups[1].length;
  if (more.length > 0 || (rest === undefined ? zeros !== 0 : zeros < 1)) return undefined;
  const all = [...groups[0], ...Array.from({ length: zeros }, () => '0'), ...groups[1]];
  if (!all.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  return BigInt(`0x${all.map((group) => group.padStart(4, '0')).join('')}`);
}

function groupsOf(text: string): string[] {
  return text === '' ? [] : text.split(':');
}

function ipv4Value(text: string): number | undefined {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (parts === null) return undefined;
  let value = 0;
  for (let index = 1; index <= 4; index++) {
    const byte = Number(parts[index]);
    if (byte > 255) return undefined;
    value = value * 256 + byte;
  }
  return value;
}

/** Any form of an address as RFC 5952 writes it; what is no address stays as it is. */
export function canonicalAddress(text: string): string {
  const value = addressValue(text);
  if (typeof value !== 'bigint') return text;
  const hex = value.toString(16).padStart(32, '0');
  return addressText(Uint8Array.from({ length: 16 }, (_, index) => hexByte(hex, index)));
}

function hexByte(hex: string, index: number): number {
  return Number.parseInt(hex.slice(index * 2, index * 2 + 2), 16);
}
