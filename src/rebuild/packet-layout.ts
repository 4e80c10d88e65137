/**
 * Where the columns of `packets` are in the memory of a batch: one piece, which
 * the shim fills (native/columns.h) and which goes from hand to hand whole.
 */
import type { BitPlan } from '../libbpf/columns.ts';

/** Bytes of a value; columns in the order of enum packet_column. */
const WIDTHS = {
  packet: 8,
  netns: 4,
  cpu: 2,
  flow: 8,
  direction: 1,
  state: 1,
  family: 1,
  protocol: 1,
  src: 16,
  dst: 16,
  srcPort: 2,
  dstPort: 2,
  srcAfter: 16,
  dstAfter: 16,
  srcPortAfter: 2,
  dstPortAfter: 2,
  bytes: 4,
  mark: 4,
  inIfindex: 4,
  outIfindex: 4,
  startedAt: 8,
  startedKtime: 8,
  hookAt0: 8,
  hookAt1: 8,
  hookAt2: 8,
  hookAt3: 8,
  hookAt4: 8,
  hookNs0: 4,
  hookNs1: 4,
  hookNs2: 4,
  hookNs3: 4,
  hookNs4: 4,
  lastHook: 1,
  verdict: 1,
  srcNat: 1,
  dstNat: 1,
  chainRuns: 1,
  confirm: 1,
  dropReason: 4,
  dropLocation: 4,
  facts: 4,
  present: 4,
  endedAt: 8,
  queuedHook: 1,
  segments: 2,
} as const;

export type PacketColumn = keyof typeof WIDTHS;

/** The column of a hook by its number. */
export function hookColumn(kind: 'hookAt' | 'hookNs', hook: number): PacketColumn {
  return `${kind}${hook as 0 | 1 | 2 | 3 | 4}`;
}

/** Bits of `facts`. Per hook: base plus the hook's number. */
export const Fact = { chains: 0, rewritten: 5, complete: 10 } as const;
/** Bits of `present`: the row has a value. */
export const Present = {
  at: 0,
  ns: 5,
  flow: 10,
  direction: 11,
  inIfindex: 12,
  outIfindex: 13,
  drop: 14,
  queued: 15,
} as const;

const FACT_BITS = 11;
const PRESENT_BITS = 16;

/** Columns begin in different lines of the cache: at multiples of a page each would push out the next. */
const LINE = 64;
const GAP = 3 * LINE;

export class PacketLayout {
  readonly capacity: number;
  /** Of a batch's memory. */
  readonly bytes: number;
  readonly offsets: Readonly<Record<PacketColumn, number>>;
  /** Bits of `facts`, then of `present`. */
  readonly bits: readonly BitPlan[];

  constructor(capacity: number) {
    this.capacity = capacity;
    let end = 0;
    const room = (bytes: number): number => {
      const at = end;
      end = Math.ceil((at + bytes) / LINE) * LINE + GAP;
      return at;
    };
    const columns = Object.entries(WIDTHS).map(([name, width]) => [name, room(capacity * width)]);
    this.offsets = Object.fromEntries(columns) as Record<PacketColumn, number>;
    const bitsOf = (words: number, count: number): BitPlan[] =>
      Array.from({ length: count }, (_, bit) => ({ words, bit, bits: room((capacity + 7) >>> 3) }));
    this.bits = [
      ...bitsOf(this.offsets.facts, FACT_BITS),
      ...bitsOf(this.offsets.present, PRESENT_BITS),
    ];
    this.bytes = end;
  }
}

/** Index of a bit of `present` in `bits`. */
export function presentIndex(bit: number): number {
  return FACT_BITS + bit;
}
