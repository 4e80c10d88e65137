/**
 * One conntrack entry as the shim hands it over: struct table_row of
 * native/table/row.h, little-endian, numbers in host order, addresses 16 bytes
 * in network order, IPv4 as IPv4-mapped.
 */

/** Words of 32 bits of one row. */
export const ENTRY_WORDS = 56;
export const ENTRY_BYTES = ENTRY_WORDS * 4;

/** Words of 32 bits from a row's beginning; of pairs the first, low word first. */
export const EntryWord = {
  /** Bytes: family (4, 6), protocol, state, news. */
  kind: 0,
  has: 1,
  status: 2,
  timeoutS: 3,
  mark: 4,
  id: 5,
  use: 6,
  /** Halves: zone, zone of the original direction. */
  zones: 7,
  /** Half and byte: zone of the reply direction, role of DCCP. */
  zoneReply: 8,
  /** Halves: source, destination; ICMP: id, type * 256 + code; GRE: keys. */
  origPorts: 9,
  replyPorts: 10,
  message: 11,
  origSrc: 12,
  origDst: 16,
  replySrc: 20,
  replyDst: 24,
  packets: 28,
  bytes: 32,
  startNs: 36,
  stopNs: 38,
  labels: 40,
  helper: 44,
  vtags: 48,
  labelsMask: 50,
} as const;

/** Bits of the word `has`. */
export const EntryHas = {
  status: 1 << 0,
  timeout: 1 << 1,
  mark: 1 << 2,
  id: 1 << 3,
  use: 1 << 4,
  zone: 1 << 5,
  zoneOrig: 1 << 6,
  zoneReply: 1 << 7,
  orig: 1 << 8,
  reply: 1 << 9,
  origPorts: 1 << 10,
  replyPorts: 1 << 11,
  origCounts: 1 << 12,
  replyCounts: 1 << 13,
  start: 1 << 14,
  stop: 1 << 15,
  labels: 1 << 16,
  helper: 1 << 17,
  state: 1 << 18,
  vtags: 1 << 19,
  role: 1 << 20,
  master: 1 << 21,
  /** To be made: manip src, towards the reply destination. */
  srcNat: 1 << 22,
  dstNat: 1 << 23,
  labelsMask: 1 << 24,
  more: 1 << 25,
} as const;

/** What the kernel's message says; an entry of a listing has none. */
export const ENTRY_NEWS = ['listed', 'new', 'update', 'destroy'] as const;
export const News = { listed: 0, new: 1, update: 2, destroy: 3 } as const;

/** A row that no message of the kernel's stands behind any more. */
export const NO_MESSAGE = -1;

/** Forms of a line: enum line_form of native/table/lines.h. */
export const LineForm = {
  extended: 1 << 0,
  id: 1 << 1,
  times: 1 << 2,
  labels: 1 << 3,
  xml: 1 << 4,
  news: 1 << 5,
  /** The time of writing in front. */
  clock: 1 << 7,
} as const;

/** Rows of one call of the shim, the same memory with each. */
export class EntryRows {
  readonly capacity: number;
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
  length = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.words = new Int32Array(capacity * ENTRY_WORDS);
    this.bytes = new Uint8Array(this.words.buffer);
  }

  /** The word at which a row begins. */
  at(row: number): number {
    return row * ENTRY_WORDS;
  }

  /** Appends a copy of a row; the caller sees to the room. */
  append(words: Int32Array, at: number): void {
    this.words.set(words.subarray(at, at + ENTRY_WORDS), this.length * ENTRY_WORDS);
    this.length++;
  }
}

export function halfAt(words: Int32Array, word: number, high: 0 | 1): number {
  return (words[word]! >>> (high * 16)) & 0xffff;
}

export function byteAt(words: Int32Array, word: number, byte: number): number {
  return (words[word]! >>> (byte * 8)) & 0xff;
}

export function wideAt(words: Int32Array, word: number): bigint {
  return (BigInt(words[word + 1]! >>> 0) << 32n) | BigInt(words[word]! >>> 0);
}
