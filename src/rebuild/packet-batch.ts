/**
 * Rows of `packets` as columns, filled in place. A batch is written from its
 * first row on, handed over once, and never used again. Its memory may have
 * served before: what is not written is not zero.
 */
import { BitPack } from '../libbpf/columns.ts';
import { HOOKS } from '../model/codes.ts';
import type { Columns, ColumnValues, Packed, Values } from '../model/columns.ts';
import { PACKETS } from '../model/tables.ts';
import { Fact, hookColumn, type PacketLayout, Present, presentIndex } from './packet-layout.ts';
import { PacketMemory } from './packet-memory.ts';

export class PacketBatch extends PacketMemory implements Columns {
  readonly table = PACKETS;
  length = 0;
  readonly packet = this.words('packet', 2);
  readonly netns = this.words('netns', 1);
  readonly cpu = this.ports('cpu');
  readonly flow = this.words('flow', 2);
  readonly direction = this.codes('direction');
  readonly state = this.codes('state');
  readonly family = this.octets('family');
  readonly protocol = this.octets('protocol');
  readonly src = this.words('src', 4);
  readonly dst = this.words('dst', 4);
  readonly srcPort = this.ports('srcPort');
  readonly dstPort = this.ports('dstPort');
  readonly srcAfter = this.words('srcAfter', 4);
  readonly dstAfter = this.words('dstAfter', 4);
  readonly srcPortAfter = this.ports('srcPortAfter');
  readonly dstPortAfter = this.ports('dstPortAfter');
  readonly bytes = this.words('bytes', 1);
  readonly mark = this.words('mark', 1);
  readonly inIfindex = this.words('inIfindex', 1);
  readonly outIfindex = this.words('outIfindex', 1);
  readonly startedAt = this.words('startedAt', 2);
  readonly startedKtime = this.words('startedKtime', 2);
  readonly hookAt = HOOKS.map((_, hook) => this.words(hookColumn('hookAt', hook), 2));
  readonly hookNs = HOOKS.map((_, hook) => this.words(hookColumn('hookNs', hook), 1));
  readonly lastHook = this.codes('lastHook');
  readonly verdict = this.codes('verdict');
  readonly srcNat = this.codes('srcNat');
  readonly dstNat = this.codes('dstNat');
  readonly chainRuns = this.octets('chainRuns');
  readonly confirm = this.codes('confirm');
  readonly dropReason = this.words('dropReason', 1);
  readonly dropLocation = this.words('dropLocation', 1);
  readonly facts = this.words('facts', 1);
  readonly present = this.words('present', 1);
  readonly queuedHook = this.codes('queuedHook');
  readonly segments = this.ports('segments');
  /** CLOCK_MONOTONIC of the last record about the row: no column. */
  readonly endedAt = this.words('endedAt', 2);
  /** The same of the row to which more visits came last. */
  readonly amendedAt = new Int32Array(2);

  /** In the order of the table: model/tables.ts. Packs the bits anew at each call. */
  get columns(): readonly ColumnValues[] {
    const packed = this.packBits();
    const isSet = (bit: number): Packed => packed[presentIndex(bit)]!;
    const hooks = HOOKS.flatMap((_, hook): ColumnValues[] => [
      { values: this.hookAt[hook]!, valid: isSet(Present.at + hook) },
      { values: this.hookNs[hook]!, valid: isSet(Present.ns + hook) },
      { truth: packed[Fact.chains + hook]!, valid: isSet(Present.at + hook) },
      { truth: packed[Fact.rewritten + hook]!, valid: isSet(Present.at + hook) },
    ]);
    const complete = { truth: packed[Fact.complete]! };
    return [...this.head(isSet), ...hooks, ...this.tail(isSet), complete, ...this.last(isSet)];
  }

  /** The rows from `row` on move to a batch of their own; this one keeps those before. */
  split(row: number): PacketBatch {
    const rest = new PacketBatch(this.layout);
    const theirs = rest.arrays;
    this.arrays.forEach((values, index) => {
      const perRow = values.length / this.layout.capacity;
      theirs[index]!.set(values.subarray(row * perRow, this.length * perRow));
    });
    rest.amendedAt.set(this.amendedAt);
    rest.length = this.length - row;
    this.length = row;
    return rest;
  }

  private packBits(): Packed[] {
    const { memory, length } = this;
    const counts = packerOf(this.layout).pack(memory, length);
    return this.layout.bits.map(({ bits }, index) => ({
      bits: new Uint8Array(memory, bits, (length + 7) >>> 3),
      count: counts[index]!,
    }));
  }

  private get arrays(): readonly Values[] {
    const none: Packed = { bits: new Uint8Array(0), count: 0 };
    return [
      ...[this.head, this.tail, this.last].flatMap((part) =>
        part.call(this, () => none).map(({ values }) => values!),
      ),
      ...this.hookAt,
      ...this.hookNs,
      this.facts,
      this.present,
      this.endedAt,
    ];
  }

  private head(isSet: (bit: number) => Packed): readonly ColumnValues[] {
    return [
      { values: this.packet },
      { values: this.netns },
      { values: this.cpu },
      { values: this.flow, valid: isSet(Present.flow) },
      { values: this.direction, valid: isSet(Present.direction) },
      { values: this.state },
      { values: this.family },
      { values: this.protocol },
      ...[this.src, this.dst, this.srcPort, this.dstPort].map((values) => ({ values })),
      ...[this.srcAfter, this.dstAfter].map((values) => ({ values })),
      ...[this.srcPortAfter, this.dstPortAfter].map((values) => ({ values })),
      { values: this.bytes },
      { values: this.mark },
      { values: this.inIfindex, valid: isSet(Present.inIfindex) },
      { values: this.outIfindex, valid: isSet(Present.outIfindex) },
      { values: this.startedAt },
      { values: this.startedKtime },
    ];
  }

  private tail(isSet: (bit: number) => Packed): readonly ColumnValues[] {
    return [
      ...[this.lastHook, this.verdict, this.srcNat, this.dstNat].map((values) => ({ values })),
      { values: this.chainRuns },
      { values: this.confirm },
      { values: this.dropReason, valid: isSet(Present.drop) },
      { values: this.dropLocation, valid: isSet(Present.drop) },
    ];
  }

  private last(isSet: (bit: number) => Packed): readonly ColumnValues[] {
    return [{ values: this.queuedHook, valid: isSet(Present.queued) }, { values: this.segments }];
  }
}

const packers = new WeakMap<PacketLayout, BitPack>();

/** One for all batches of a layout. */
function packerOf(layout: PacketLayout): BitPack {
  const known = packers.get(layout);
  if (known !== undefined) return known;
  const packer = new BitPack(layout.bits);
  packers.set(layout, packer);
  return packer;
}
