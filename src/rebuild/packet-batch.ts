/**
 * Rows of `packets` as columns, filled in place. A batch is written from its
 * first row on, handed over once, and never used again. Its memory may have
 * served before: what is not written is not zero.
 */
import { HOOKS } from '../model/codes.ts';
import type { Columns, ColumnValues, RowBit, Values } from '../model/columns.ts';
import { columnMemory } from '../model/memory.ts';
import { PACKETS } from '../model/tables.ts';

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
} as const;

export class PacketBatch implements Columns {
  readonly table = PACKETS;
  readonly capacity: number;
  length = 0;
  readonly packet: Int32Array;
  readonly netns: Int32Array;
  readonly cpu: Uint16Array;
  readonly flow: Int32Array;
  readonly direction: Int8Array;
  readonly state: Int8Array;
  readonly family: Uint8Array;
  readonly protocol: Uint8Array;
  readonly src: Int32Array;
  readonly dst: Int32Array;
  readonly srcPort: Uint16Array;
  readonly dstPort: Uint16Array;
  readonly srcAfter: Int32Array;
  readonly dstAfter: Int32Array;
  readonly srcPortAfter: Uint16Array;
  readonly dstPortAfter: Uint16Array;
  readonly bytes: Int32Array;
  readonly mark: Int32Array;
  readonly inIfindex: Int32Array;
  readonly outIfindex: Int32Array;
  readonly startedAt: Int32Array;
  readonly startedKtime: Int32Array;
  readonly hookAt: readonly Int32Array[];
  readonly hookNs: readonly Int32Array[];
  readonly lastHook: Int8Array;
  readonly verdict: Int8Array;
  readonly srcNat: Int8Array;
  readonly dstNat: Int8Array;
  readonly chainRuns: Uint8Array;
  readonly confirm: Int8Array;
  readonly dropReason: Int32Array;
  readonly dropLocation: Int32Array;
  readonly facts: Int32Array;
  readonly present: Int32Array;
  /** CLOCK_MONOTONIC of the last record about the row: no column. */
  readonly endedAt: Int32Array;
  /** The same of the row to which more visits came last. */
  readonly amendedAt = new Int32Array(2);

  constructor(capacity: number) {
    this.capacity = capacity;
    const words = (perRow: number): Int32Array => wordsFor(capacity * perRow);
    const codes = (): Int8Array => new Int8Array(columnMemory.take(capacity));
    const bytes = (): Uint8Array => new Uint8Array(columnMemory.take(capacity));
    const ports = (): Uint16Array => new Uint16Array(columnMemory.take(capacity * 2));
    this.packet = words(2);
    this.netns = words(1);
    this.cpu = ports();
    this.flow = words(2);
    this.direction = codes();
    this.state = codes();
    this.family = bytes();
    this.protocol = bytes();
    this.src = words(4);
    this.dst = words(4);
    this.srcPort = ports();
    this.dstPort = ports();
    this.srcAfter = words(4);
    this.dstAfter = words(4);
    this.srcPortAfter = ports();
    this.dstPortAfter = ports();
    this.bytes = words(1);
    this.mark = words(1);
    this.inIfindex = words(1);
    this.outIfindex = words(1);
    this.startedAt = words(2);
    this.startedKtime = words(2);
    this.hookAt = HOOKS.map(() => words(2));
    this.hookNs = HOOKS.map(() => words(1));
    this.lastHook = codes();
    this.verdict = codes();
    this.srcNat = codes();
    this.dstNat = codes();
    this.chainRuns = bytes();
    this.confirm = codes();
    this.dropReason = words(1);
    this.dropLocation = words(1);
    this.facts = words(1);
    this.present = words(1);
    this.endedAt = words(2);
  }

  get isFull(): boolean {
    return this.length === this.capacity;
  }

  /** In the order of the table: model/tables.ts. */
  get columns(): readonly ColumnValues[] {
    const hooks = HOOKS.flatMap((_, hook): ColumnValues[] => {
      const isVisited = this.presence(Present.at + hook);
      return [
        { values: this.hookAt[hook]!, valid: isVisited },
        { values: this.hookNs[hook]!, valid: this.presence(Present.ns + hook) },
        { truth: this.fact(Fact.chains + hook), valid: isVisited },
        { truth: this.fact(Fact.rewritten + hook), valid: isVisited },
      ];
    });
    return [...this.head, ...hooks, ...this.tail];
  }

  /** The rows from `row` on move to a batch of their own; this one keeps those before. */
  split(row: number): PacketBatch {
    const rest = new PacketBatch(this.capacity);
    const theirs = rest.arrays;
    this.arrays.forEach((values, index) => {
      const perRow = values.length / this.capacity;
      theirs[index]!.set(values.subarray(row * perRow, this.length * perRow));
    });
    rest.amendedAt.set(this.amendedAt);
    rest.length = this.length - row;
    this.length = row;
    return rest;
  }

  private get arrays(): readonly Values[] {
    return [
      ...[...this.head, ...this.tail].flatMap(({ values }) => values ?? []),
      ...this.hookAt,
      ...this.hookNs,
      this.facts,
      this.present,
      this.endedAt,
    ];
  }

  private get head(): readonly ColumnValues[] {
    return [
      { values: this.packet },
      { values: this.netns },
      { values: this.cpu },
      { values: this.flow, valid: this.presence(Present.flow) },
      { values: this.direction, valid: this.presence(Present.direction) },
      { values: this.state },
      { values: this.family },
      { values: this.protocol },
      ...[this.src, this.dst, this.srcPort, this.dstPort].map((values) => ({ values })),
      ...[this.srcAfter, this.dstAfter].map((values) => ({ values })),
      ...[this.srcPortAfter, this.dstPortAfter].map((values) => ({ values })),
      { values: this.bytes },
      { values: this.mark },
      { values: this.inIfindex, valid: this.presence(Present.inIfindex) },
      { values: this.outIfindex, valid: this.presence(Present.outIfindex) },
      { values: this.startedAt },
      { values: this.startedKtime },
    ];
  }

  private get tail(): readonly ColumnValues[] {
    const isDropped = this.presence(Present.drop);
    return [
      ...[this.lastHook, this.verdict, this.srcNat, this.dstNat].map((values) => ({ values })),
      { values: this.chainRuns },
      { values: this.confirm },
      { values: this.dropReason, valid: isDropped },
      { values: this.dropLocation, valid: isDropped },
      { truth: this.fact(Fact.complete) },
    ];
  }

  private presence(bit: number): RowBit {
    return { words: this.present, bit };
  }

  private fact(bit: number): RowBit {
    return { words: this.facts, bit };
  }
}

function wordsFor(count: number): Int32Array {
  return new Int32Array(columnMemory.take(count * 4));
}
