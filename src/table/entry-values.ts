/** Values of conntrack(8)'s options, each refused with what was found and what is needed. */
import { addressValue } from '../model/address.ts';
import { PROTOCOLS } from '../model/codes.ts';
import { TraceError } from '../model/error.ts';
import { shown } from './parse-tokens.ts';

const MOST_LABEL = 127;

/** `example`: a value that would be taken, if one says more than what is needed. */
export function wrong(option: string, found: string, needed: string, example?: string): TraceError {
  const message = `--${option}: found "${shown(found)}", needed ${needed}`;
  const hint = `for example --${option} ${example}`;
  return new TraceError('usage', message, example === undefined ? {} : { hint });
}

const NUMBERS: ReadonlyMap<string, number> = new Map([
  ...Object.entries(PROTOCOLS).map(([number, name]) => [name, Number(number)] as const),
  ['icmp6', 58],
  ['ipv6-icmp', 58],
]);

export function protocolOf(text: string): number {
  const named = NUMBERS.get(text.toLowerCase());
  if (named !== undefined) return named;
  if (/^\d{1,3}$/.test(text) && Number(text) < 256) return Number(text);
  throw wrong('protonum', text, 'a protocol: name or number up to 255', 'tcp');
}

export function familyOf(text: string): 4 | 6 {
  if (/^ipv4$/i.test(text)) return 4;
  if (/^ipv6$/i.test(text)) return 6;
  throw wrong('family', text, 'ipv4 or ipv6', 'ipv4');
}

function wholeAt(text: string): number {
  return /^(\d+|0x[0-9a-f]+)$/i.test(text) ? Number(text) : Number.NaN;
}

/** A decimal or hexadecimal number. */
export function wholeOf(option: string, text: string, most: number): number {
  const value = wholeAt(text);
  if (value <= most) return value;
  throw wrong(option, text, `a number from 0 to ${most}`, '5');
}

export interface AddressText {
  readonly family: 4 | 6;
  /** 16 bytes in network order, IPv4 as IPv4-mapped. */
  readonly bytes: Uint8Array;
}

export function addressOf(option: string, text: string): AddressText {
  const value = addressValue(text);
  if (value === undefined) throw wrong(option, text, 'an address', '10.0.0.1');
  const family = typeof value === 'number' ? 4 : 6;
  const wide = typeof value === 'number' ? (0xffffn << 32n) | BigInt(value) : value;
  const bytes = new Uint8Array(16);
  for (let index = 0; index < 16; index++) {
    bytes[index] = Number((wide >> BigInt((15 - index) * 8)) & 0xffn);
  }
  return { family, bytes };
}

export function exampleOf(family: 4 | 6): string {
  return family === 4 ? '10.0.0.1' : 'fd00::1';
}

export interface PrefixText extends AddressText {
  /** 16 bytes; bits that do not count are 0. */
  readonly mask: Uint8Array;
}

/** `10.0.0.0/8`, `10.0.0.0/255.0.0.0`, or one address; `mask`: of an option of its own. */
export function prefixOf(option: string, text: string, mask?: string): PrefixText {
  const [address = '', size = mask, ...rest] = text.split('/');
  const { family, bytes } = addressOf(option, address);
  if (rest.length > 0) throw wrong(option, text, 'an address or a prefix', '10.0.0.0/8');
  const most = family === 4 ? 32 : 128;
  if (size === undefined || /^\d+$/.test(size)) {
    const bits = Number(size ?? most);
    if (bits > most) {
      throw wrong(option, text, `a prefix of up to ${most} bits`, `${address}/${most}`);
    }
    return { family, bytes, mask: maskOf(bits + 128 - most) };
  }
  const given = addressOf(option, size);
  if (given.family !== family)
    throw wrong(option, text, 'a mask of the same family', `${address}/${most}`);
  if (family === 4) given.bytes.fill(0xff, 0, 12);
  return { family, bytes, mask: given.bytes };
}

function maskOf(bits: number): Uint8Array {
  return Uint8Array.from({ length: 16 }, (_, index) => {
    const inByte = Math.min(8, Math.max(0, bits - index * 8));
    return 0xff & (0xff00 >> inByte);
  });
}

/** `7`, `0x10/0xf0`; `mask` undefined: none was given. */
export function markOf(text: string): { value: number; mask: number | undefined } {
  const numbers = text.split('/').map(wholeAt);
  const [value = 0, mask] = numbers;
  if (numbers.length <= 2 && numbers.every((one) => one <= 0xffff_ffff)) return { value, mask };
  throw wrong('mark', text, 'value or value/mask, each from 0 to 0xffffffff', '0x10/0xf0');
}

/** By protocol, in the order of the kernel's numbers. */
export const ENTRY_STATES: Readonly<Record<number, readonly string[]>> = {
  6: [
    ...['NONE', 'SYN_SENT', 'SYN_RECV', 'ESTABLISHED', 'FIN_WAIT', 'CLOSE_WAIT'],
    ...['LAST_ACK', 'TIME_WAIT', 'CLOSE', 'SYN_SENT2'],
  ],
  132: [
    ...['NONE', 'CLOSED', 'COOKIE_WAIT', 'COOKIE_ECHOED', 'ESTABLISHED', 'SHUTDOWN_SENT'],
    ...['SHUTDOWN_RECD', 'SHUTDOWN_ACK_SENT', 'HEARTBEAT_SENT', 'HEARTBEAT_ACKED'],
  ],
  33: [
    ...['NONE', 'REQUEST', 'RESPOND', 'PARTOPEN', 'OPEN', 'CLOSEREQ', 'CLOSING', 'TIMEWAIT'],
    ...['IGNORE', 'INVALID'],
  ],
};

export function stateOf(text: string, protocol: number): number {
  const states = ENTRY_STATES[protocol];
  if (states === undefined) {
    throw wrong(
      'state',
      text,
      'a protocol that has states: tcp, sctp or dccp',
      'ESTABLISHED -p tcp',
    );
  }
  // its name of old, which conntrack(8) knows still
  const known = text.toUpperCase() === 'LISTEN' ? 'SYN_SENT2' : text.toUpperCase();
  const state = states.indexOf(known);
  if (state >= 0) return state;
  throw wrong('state', text, `one of ${states.join(', ')}`, states[1]!);
}

/** Names of connlabel.conf by bit. */
export type LabelNames = ReadonlyMap<string, number>;

/** Four words, bit 0 the lowest of the first. */
export function labelsOf(option: string, text: string, names: LabelNames): Int32Array {
  const words = new Int32Array(4);
  for (const word of text.split(',')) {
    const bit = names.get(word) ?? (/^\d{1,3}$/.test(word) ? Number(word) : Number.NaN);
    if (!(bit <= MOST_LABEL)) {
      const needed = `names of connlabel.conf or bits from 0 to ${MOST_LABEL}`;
      throw wrong(option, text, needed, '5');
    }
    words[bit >>> 5]! |= 1 << (bit & 31);
  }
  return words;
}

/** `10.0.0.1`, `10.0.0.1:80`, `[fd00::1]:80`. */
export function endOf(option: string, text: string): AddressText & { port: number | undefined } {
  const bracketed = /^\[([^\]]+)\](?::(\d+))?$/.exec(text);
  const dotted = /^([^:]+):(\d+)$/.exec(text);
  const [, address = text, port] = bracketed ?? dotted ?? [];
  return {
    ...addressOf(option, address),
    port: port === undefined ? undefined : wholeOf(option, port, 65535),
  };
}
