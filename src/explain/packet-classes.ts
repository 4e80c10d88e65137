/**
 * Packets in classes, while the trace is read: those of one flow that went the
 * same way and had the same decided about them, and those without an entry by
 * their tuple. Only numbers are kept, none of them per packet.
 */
import type { BatchView } from '../columns/batch-view.ts';
import { NameTable } from '../model/rows.ts';
import { type PacketTuple, putTuple, TUPLE_WIDTH, tupleOf } from './packet-tuple.ts';
import { RulePeriods } from './rule-periods.ts';
import { wayWords } from './way.ts';
import { WordTable } from './word-table.ts';

/** Packets without an entry are told apart by so many tuples; the rest is only counted. */
const MAX_TUPLES = 100_000;
/** So many packets are named as evidence. */
const MAX_EVIDENCE = 3;

/** Words of a key: flow (2), way, interfaces (2), mark, drop, netns, period; then those of the tuple. */
const FLOW_WIDTH = 9;
/** Numbers kept of a class: packets, first and last time, evidence. */
const STRIDE = 3 + MAX_EVIDENCE;

export interface PacketClass {
  /** packets.flow; -1: no entry. */
  readonly flow: number;
  readonly netns: number;
  readonly way: number;
  readonly inIfindex: number | null;
  readonly outIfindex: number | null;
  readonly mark: number;
  /** `NETFILTER_DROP in nf_hook_slow`, or empty. */
  readonly drop: string;
  /** Only of packets that have no flow, or are not of their flow's protocol. */
  readonly tuple: PacketTuple | null;
  readonly packets: number;
  /** ns since 1970. */
  readonly firstAt: number;
  readonly lastAt: number;
  /** Values of packets.packet. */
  readonly evidence: readonly number[];
}

class Kind {
  readonly table: WordTable;
  private numbers = new Float64Array(STRIDE * 512);

  constructor(width: number, limit?: number) {
    this.table = new WordTable(width, limit);
  }

  /** False: there is no room for another class. */
  add(key: Int32Array, at: number, packet: number): boolean {
    const place = this.table.numberOf(key) * STRIDE;
    if (place < 0) return false;
    if (place + STRIDE > this.numbers.length) {
      const more = new Float64Array(this.numbers.length * 2);
      more.set(this.numbers);
      this.numbers = more;
    }
    const { numbers } = this;
    const count = numbers[place]!++;
    if (count === 0 || at < numbers[place + 1]!) numbers[place + 1] = at;
    if (at > numbers[place + 2]!) numbers[place + 2] = at;
    if (count < MAX_EVIDENCE) numbers[place + 3 + count] = packet;
    return true;
  }

  of(number: number): readonly [packets: number, first: number, last: number, ...number[]] {
    const own = this.numbers.subarray(number * STRIDE, (number + 1) * STRIDE);
    const packets = own[0]!;
    return [packets, own[1]!, own[2]!, ...own.subarray(3, 3 + Math.min(packets, MAX_EVIDENCE))];
  }
}

export class PacketClasses {
  /** Packets without an entry that are in no class: there were too many tuples. */
  ungrouped = 0;
  private readonly flows = new Kind(FLOW_WIDTH);
  private readonly tuples: Kind;
  private readonly rest = new Kind(FLOW_WIDTH);
  /** Classes of flows, sorted when somebody asks. */
  private order: Float64Array | undefined;
  private readonly drops = new NameTable();
  private readonly periods: RulePeriods;
  private readonly key = new Int32Array(FLOW_WIDTH + TUPLE_WIDTH);

  constructor(maxTuples = MAX_TUPLES, periods = new RulePeriods()) {
    this.periods = periods;
    this.tuples = new Kind(FLOW_WIDTH + TUPLE_WIDTH, maxTuples);
    this.drops.numberOf('');
  }

  add(view: BatchView): void {
    const read = this.reader(view);
    const packets = view.wideWords('packet');
    const times = view.wideWords('started_at');
    const { key, periods } = this;
    const areMany = periods.update();
    for (let row = 0; row < view.rows; row++) {
      const ofFlow = read(row);
      if (!ofFlow) putTuple(key, FLOW_WIDTH, view, row);
      const kind = ofFlow ? this.flows : this.tuples;
      const [at, packet] = [wide(times, row), wide(packets, row)];
      key[8] = areMany ? periods.of(key[7]! >>> 0, at) : 0;
      if (kind.add(key, at, packet)) continue;
      this.ungrouped++;
      this.rest.add(key, at, packet);
    }
    this.order = undefined;
  }

  /** Classes of flows first, those of one flow together. */
  *[Symbol.iterator](): Generator<PacketClass> {
    for (const number of this.flowOrder()) yield this.classOf(this.flows, number, false);
    for (let number = 0; number < this.tuples.table.length; number++) {
      yield this.classOf(this.tuples, number, true);
    }
  }

  /** And those that there were too many tuples for, without one. */
  *all(): Generator<PacketClass> {
    yield* this;
    for (let number = 0; number < this.rest.table.length; number++) {
      yield this.classOf(this.rest, number, false);
    }
  }

  /** Puts the key of a row, but for its tuple; false: it is told by its tuple. */
  private reader(view: BatchView): (row: number) => boolean {
    const { key, drops } = this;
    const wayWord = wayWords(view);
    const [hasFlow, hasIn, hasOut] = ['flow', 'in_ifindex', 'out_ifindex'].map((n) =>
      view.given(n),
    );
    const [ins, outs, marks, netns] = ['in_ifindex', 'out_ifindex', 'mark', 'netns'].map((name) =>
      view.numbers(name),
    );
    const [verdicts, protocols, states] = ['verdict', 'protocol', 'state'].map((n) =>
      view.numbers(n),
    );
    const flows = view.wideWords('flow');
    return (row) => {
      const isOfFlow = hasFlow!.at(row);
      key[0] = isOfFlow ? flows[2 * row]! : -1;
      key[1] = isOfFlow ? flows[2 * row + 1]! : -1;
      key[2] = wayWord(row);
      key[3] = hasIn!.at(row) ? ins![row]! : -1;
      key[4] = hasOut!.at(row) ? outs![row]! : -1;
      key[5] = marks![row]!;
      key[6] = verdicts![row] === 0 ? drops.numberOf(dropText(view, row)) : 0;
      key[7] = netns![row]!;
      return isOfFlow && !(states![row] === RELATED && ICMP.has(protocols![row]!));
    };
  }

  private flowOrder(): Float64Array {
    if (this.order !== undefined) return this.order;
    const { table } = this.flows;
    const flows = Float64Array.from({ length: table.length }, (_, number) => flowOf(table, number));
    const order = Float64Array.from(flows, (_, number) => number);
    this.order = order.sort((a, b) => flows[a]! - flows[b]! || a - b);
    return order;
  }

  private classOf(kind: Kind, number: number, hasTuple: boolean): PacketClass {
    const word = (place: number): number => kind.table.word(number, place);
    const [packets, firstAt, lastAt, ...evidence] = kind.of(number);
    return {
      flow: flowOf(kind.table, number),
      way: word(2),
      inIfindex: word(3) === -1 ? null : word(3) >>> 0,
      outIfindex: word(4) === -1 ? null : word(4) >>> 0,
      mark: word(5) >>> 0,
      drop: this.drops.names[word(6)]!,
      netns: word(7) >>> 0,
      tuple: hasTuple ? tupleOf((place) => word(FLOW_WIDTH + place)) : null,
      ...{ packets, firstAt, lastAt, evidence },
    };
  }
}

const RELATED = 3;
const ICMP: ReadonlySet<number> = new Set([1, 58]);

function wide(words: Int32Array, row: number): number {
  return words[2 * row + 1]! * 2 ** 32 + (words[2 * row]! >>> 0);
}

function flowOf(table: WordTable, number: number): number {
  return table.word(number, 1) * 2 ** 32 + (table.word(number, 0) >>> 0);
}

function dropText(view: BatchView, row: number): string {
  const reason = view.word('drop_reason', row) ?? 'no reason known';
  return `${reason} in ${view.word('drop_location', row) ?? 'a place not known'}`;
}
