/**
 * Records of a trace in the making, as the probes would send them: each on its
 * CPU, numbered, at a time that only goes on. And the rows that come of them.
 */

import { batchOf } from '../../src/columns/batch.ts';
import { BatchView, type Value } from '../../src/columns/batch-view.ts';
import { columnBatch } from '../../src/columns/column-batch.ts';
import { NameBytes } from '../../src/columns/names.ts';
import { Merge } from '../../src/libbpf/merge.ts';
import { Hook, type HookName, Verdict } from '../../src/model/codes.ts';
import type { Columns } from '../../src/model/columns.ts';
import type { RowBuffer } from '../../src/model/rows.ts';
import { PACKETS } from '../../src/model/tables.ts';
import type { RebuildOptions } from '../../src/rebuild/options.ts';
import { Rebuild } from '../../src/rebuild/rebuild.ts';
import {
  ConfirmCode,
  Ctinfo,
  FailureFlag,
  FailureKind,
  RecordFlag,
  RecordKind,
  Seen,
  StateCode,
} from '../../src/wire/layout.ts';
import { addressBytes, type Fields, recordOf } from '../wire/record-fixture.ts';

/** An entry's tuples in a record each, or in one where bpf/tell.h would. */
export type TupleForm = 'two records' | 'one record';

/** A tuple as text: source, destination, ports. */
export interface Tuple {
  readonly src: string;
  readonly dst: string;
  readonly srcPort: number;
  readonly dstPort: number;
}

export interface Place {
  readonly cpu?: number;
  readonly skb?: bigint;
  readonly flow?: bigint;
  readonly netns?: number;
  readonly status?: number;
  readonly mark?: number;
  readonly family?: number;
  readonly l4proto?: number;
  /** Of its entry: enum record_state; undefined: not told. */
  readonly state?: number;
}

export interface TraversalOptions extends Place {
  readonly ctinfo?: number;
  readonly verdict?: number;
  readonly flags?: number;
  /** Interface by which it came, and by which it leaves. */
  readonly in?: number;
  readonly out?: number;
  readonly len?: number;
  /** Of the wire, where it is more than one. */
  readonly segments?: number;
  /** Undefined: with its entry's tuple of its direction, which no record repeats. */
  readonly came?: Tuple;
  /** Undefined: as it came; 'mapped': as its entry says. */
  readonly left?: Tuple | 'mapped';
  /** Hooks where a nat chain was evaluated, and where it was rewritten. */
  readonly chains?: readonly HookName[];
  readonly rewritten?: readonly HookName[];
  /** Hooks at which it was handed to user space. */
  readonly queued?: readonly HookName[];
  /** FLOW_SRC_RULE and the others, of the packet's own entry. */
  readonly decided?: number;
  readonly confirm?: keyof typeof ConfirmCode;
  /** Time of each visit but the first, after the start, and when the last one was left. */
  readonly enters?: readonly number[];
  readonly leaves?: readonly number[];
}

export interface EntryOptions extends Place {
  /** First seen when it was already in the table. */
  readonly isOlder?: boolean;
  readonly zone?: number;
  readonly entry?: bigint;
  /** FLOW_SRC_RULE and the others. */
  readonly decided?: number;
  /** __nf_conntrack_confirm() has just returned this. */
  readonly confirmed?: number;
  readonly firstNs?: bigint;
  /** Rules that decided: enum record_rule. */
  readonly srcRule?: bigint;
  readonly dstRule?: bigint;
}

export interface EndOptions {
  readonly remaining?: number;
  readonly isUnconfirmed?: boolean;
  readonly isEvicted?: boolean;
}

export const NETNS = 4_026_532_001;
export const ENTRY = 0xffff_8881_8100_0b00n;
const START = 0x1_ffff_f000n; // the low word overflows on the way
const STEP = 100n;

export class Script {
  readonly records: Buffer[] = [];
  now = START;
  private readonly seqs: number[] = [];
  private readonly usual: Place;
  private readonly form: TupleForm;

  constructor(usual: Place = {}, form: TupleForm = 'two records') {
    this.form = form;
    this.usual = { cpu: 0, netns: NETNS, flow: 0n, skb: 0xffff_8880_0000_0100n, ...usual };
  }

  wait(ns: bigint): void {
    this.now += ns;
  }

  /** One packet through some hooks. Without `leaves`, only that of the last one is known. */
  traversal(
    hooks: readonly HookName[],
    options: TraversalOptions = {},
    startedNs = this.tick(),
  ): void {
    const { came, left, flags = 0, ...rest } = options;
    const { family, l4proto, verdict = Verdict.accept, ctinfo = Ctinfo.none, ...place } = rest;
    this.now += BigInt(hooks.length) * 200n;
    const told = defined({ skb: place.skb, cpu: place.cpu, flow: place.flow, netns: place.netns });
    const asTold = { ...told, ...defined({ family, l4proto }) };
    if (came !== undefined) this.emit(RecordKind.came, { ...asTold, ...came });
    if (left !== undefined && left !== 'mapped') {
      this.emit(RecordKind.left, { ...asTold, ...left });
    }
    this.emit(RecordKind.traversal, {
      ...asTold,
      ...defined({ status: place.status, mark: place.mark }),
      ctinfo,
      verdict,
      hook: Hook[hooks.at(-1)!],
      flags: flags | elided(came, left),
      ...visitsOf(hooks, options),
      traversalStartedNs: startedNs,
      traversalSeen: seenOf(options),
      traversalLen: (options.len ?? 60) + (options.segments ?? 0) * 2 ** 20,
      traversalInIfindex: options.in ?? 0,
      traversalOutIfindex: options.out ?? 0,
    });
  }

  /** Both tuples of an entry, and what is known of it by now. */
  flow(original: Tuple, reply: Tuple, options: EntryOptions = {}): void {
    const { isOlder = false, zone = 0, entry = ENTRY, decided = 0, confirmed, ...rest } = options;
    const { firstNs = this.now, srcRule, dstRule, ...place } = rest;
    const flags =
      decided |
      (isOlder ? 0 : RecordFlag.flowNew) |
      (confirmed === undefined ? 0 : RecordFlag.flowConfirmRan);
    const hasRules = srcRule !== undefined || dstRule !== undefined;
    const common = { ...defined(place), verdict: confirmed ?? 0, zone, entry };
    const rules = { srcRule: srcRule ?? 0n, dstRule: dstRule ?? 0n };
    if (this.form === 'one record' && (place.family ?? 4) === 4) {
      this.drop(original, { skb: 0xffff_8880_ffff_ff00n }); // of nothing, as the first of two
      const since = { bothSinceFirstNs: this.now + STEP - firstNs, bothEntry: entry };
      const bits = flags | RecordFlag.flowRules | RecordFlag.flowBoth;
      const { entry: _, ...others } = common;
      const tuples = bothOf(original, reply);
      this.emit(RecordKind.flow, {
        ...others,
        ...tuples,
        ...since,
        skb: 0n,
        ...rules,
        flags: bits,
      });
      return;
    }
    this.emit(RecordKind.flow, { ...common, ...original, firstNs, flags });
    this.emit(RecordKind.flow, {
      ...common,
      ...reply,
      firstNs,
      flags: flags | RecordFlag.flowReply | (hasRules ? RecordFlag.flowRules : 0),
      ...(hasRules ? rules : {}),
    });
  }

  /** The entry was expected by the helper of another one. */
  parent(parent: bigint, place: Place): void {
    const { skb: _, ...usual } = place;
    this.emit(RecordKind.flow, { ...usual, parent, flags: RecordFlag.flowParent });
  }

  /** It lost a clash; the tuple is the winner's. */
  merged(winner: Tuple, place: Place): void {
    const flags = RecordFlag.flowConfirmRan | RecordFlag.flowMerged;
    this.emit(RecordKind.flow, { ...place, ...winner, verdict: Verdict.accept, skb: 0n, flags });
  }

  end(original: Tuple, place: Place & EndOptions = {}): void {
    const { remaining = 0, isUnconfirmed = false, isEvicted = false, ...rest } = place;
    const flags =
      (isUnconfirmed ? RecordFlag.endUnconfirmed : RecordFlag.endDeleted) |
      (isEvicted ? RecordFlag.endEvicted : 0);
    this.emit(RecordKind.end, {
      ...defined(rest),
      ...original,
      skb: 0n,
      flags,
      remaining: remaining >>> 0,
    });
  }

  /** conntrack's own counts: packets and bytes, original and reply. */
  counted(counts: readonly bigint[], place: Place & { isOpen?: boolean } = {}): void {
    const { isOpen = false, ...rest } = place;
    const flags = RecordFlag.endAccounted | (isOpen ? RecordFlag.endOpen : RecordFlag.endDeleted);
    this.emit(RecordKind.end, { ...defined(rest), skb: 0n, flags, counted: counts, remaining: 77 });
  }

  /** An entry changed its state while flows alone were traced. */
  changed(original: Tuple, place: Place & { ctinfo: number }): void {
    this.emit(RecordKind.state, { ...defined({ ...place }), ...original, skb: 0n });
  }

  rulesChanged(netns: number): void {
    this.emit(RecordKind.rules, { netns, skb: 0n });
  }

  drop(tuple: Tuple, place: Place & { reason?: number; location?: number } = {}): void {
    const { reason = 5, location = 0x8123_4567, ...rest } = place;
    const at = 0xffff_ffff_0000_0000n | BigInt(location);
    this.emit(RecordKind.drop, { ...defined(rest), ...tuple, reason, location: at });
  }

  /** The kernel's own words, at an address. */
  text(address: bigint, words: string): void {
    const bytes = [...Buffer.from(words.padEnd(48, '\0'), 'latin1')].slice(0, 48);
    this.emit(RecordKind.text, { textAt: address, text: bytes, flow: 0n });
  }

  /** Something failed; `tuple`: undefined where it is not known. */
  failure(cause: keyof typeof FailureKind, tuple: Tuple | undefined, fields: Fields = {}): void {
    const flags = Number(fields.flags ?? 0) | (tuple === undefined ? FailureFlag.noTuple : 0);
    this.emit(RecordKind.failure, {
      hook: 255,
      ...tuple,
      ...fields,
      flags,
      cause: FailureKind[cause],
    });
  }

  /** A record that the probe tried to send and could not. */
  lose(cpu = 0): void {
    this.seqs[cpu] = (this.seqs[cpu] ?? 0) + 1;
  }

  private tick(): bigint {
    this.now += STEP;
    return this.now;
  }

  private emit(kind: number, fields: Fields): void {
    const untold = kind === RecordKind.traversal ? {} : { state: 255 };
    const all: Fields = { family: 4, l4proto: 17, ...untold, ...this.usual, ...fields, kind };
    const cpu = Number(all.cpu);
    const seq = this.seqs[cpu] ?? 0;
    this.seqs[cpu] = seq + 1;
    this.records.push(recordOf({ ...all, seq, ktimeNs: this.tick() }));
  }
}

function bothOf(original: Tuple, reply: Tuple): Fields {
  return {
    bothSrc: ipv4Word(original.src),
    bothDst: ipv4Word(original.dst),
    bothSrcReply: ipv4Word(reply.src),
    bothDstReply: ipv4Word(reply.dst),
    bothSrcPortReply: reply.srcPort,
    bothDstPortReply: reply.dstPort,
    srcPort: original.srcPort,
    dstPort: original.dstPort,
  };
}

/** Network byte order, read as a little-endian word. */
function ipv4Word(text: string): number {
  return addressBytes(text).readUInt32LE(12);
}

function defined(fields: Record<string, Fields[keyof Fields] | undefined>): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** What of its tuples stands in its entry. */
function elided(came: Tuple | undefined, left: Tuple | 'mapped' | undefined): number {
  return (
    (came === undefined ? RecordFlag.packetCameAsFlow : 0) |
    (left === undefined ? RecordFlag.packetLeftAsCame : 0) |
    (left === 'mapped' ? RecordFlag.packetLeftAsMapped : 0)
  );
}

function visitsOf(hooks: readonly HookName[], { enters, leaves }: TraversalOptions): Fields {
  const at = [0, 0, 0, 0, 0];
  for (let visit = 1; visit < hooks.length; visit++) {
    at[visit * 2 - 1] = enters?.[visit - 1] ?? visit * 200;
  }
  at[hooks.length * 2 - 2] = hooks.length * 200 - 90;
  leaves?.forEach((leave, visit) => {
    at[visit * 2] = leave;
  });
  return {
    traversalVisits: hooks.length,
    traversalHooks: hooks.map((hook) => Hook[hook]),
    traversalAt: at,
  };
}

function seenOf(options: TraversalOptions): number {
  const { chains = [], rewritten = [], queued = [], decided = 0, confirm = 'none' } = options;
  const bits = (hooks: readonly HookName[]): number =>
    hooks.reduce((sum, hook) => sum | (1 << Hook[hook]), 0);
  return (
    (bits(chains) << Seen.chains) |
    (bits(rewritten) << Seen.rewritten) |
    (bits(queued) << Seen.queued) |
    ((decided >>> 4) << Seen.decided) |
    (ConfirmCode[confirm] << Seen.confirm) |
    ((options.state ?? StateCode.notTold) << Seen.state)
  );
}

export type Row = Readonly<Record<string, Value>>;

/** Tables that a rebuild makes. */
type RowsOf = 'packets' | 'flows' | 'states' | 'failures';

export interface Rebuilt {
  readonly packets: Row[];
  readonly flows: Row[];
  readonly states: Row[];
  readonly failures: Row[];
  /** Rows of each batch of packets. */
  readonly batches: number[];
  readonly rebuild: Rebuild;
}

export interface RebuiltOptions
  extends Partial<
    Pick<
      RebuildOptions,
      'batchRows' | 'flowLimit' | 'clockOffsetNs' | 'changesFrom' | 'refusalsTold' | 'oneByOne'
    >
  > {
  /** Drains end after so many records, in turn; all at once without. */
  readonly chunks?: readonly number[];
  /** After each drain, rows that change no more are handed over. */
  readonly flushes?: boolean;
}

/** The rows of some records, by way of a drain, as a reader of the tables sees them. */
export function rebuilt(records: readonly Buffer[], options: RebuiltOptions = {}): Rebuilt {
  const { chunks = [records.length], flushes = false, ...limits } = options;
  const { clockOffsetNs = 0n } = options;
  const rows = { packets: [], flows: [], states: [], failures: [] } as Record<RowsOf, Row[]>;
  const batches: number[] = [];
  const onRows = (buffer: RowBuffer): void => {
    const context = { clockOffsetNs, names: rebuild.names.names };
    const batch = batchOf(buffer.table, buffer.words, buffer.length, context);
    const view = new BatchView(batch, buffer.table);
    const to = rows[buffer.table.name as RowsOf];
    for (let row = 0; row < view.rows; row++) to.push(view.row(row));
  };
  const onPackets = (columns: Columns): void => {
    const view = new BatchView(columnBatch(columns, new NameBytes(rebuild.names.names)), PACKETS);
    batches.push(view.rows);
    for (let row = 0; row < view.rows; row++) rows.packets.push(view.row(row));
  };
  const rebuild = new Rebuild({
    cpus: 8,
    dropReason: (reason) => `REASON_${reason}`,
    symbol: (low) => `at_${(low >>> 0).toString(16)}`,
    clockOffsetNs,
    onPackets,
    onRows,
    ...limits,
  });
  drainInto(rebuild, records, chunks, flushes);
  return { ...rows, batches, rebuild };
}

function drainInto(
  rebuild: Rebuild,
  records: readonly Buffer[],
  chunks: readonly number[],
  flushes: boolean,
): void {
  const merge = new Merge(8);
  let from = 0;
  for (let turn = 0; from < records.length; turn++) {
    const next = records[from + chunks[turn % chunks.length]!];
    const to = next === undefined ? records.length : from + chunks[turn % chunks.length]!;
    merge.add(Buffer.concat(records.slice(from, to)));
    if (next !== undefined) {
      const [high, low] = [next.readInt32LE(4), next.readInt32LE(0)];
      merge.release(high, low, rebuild.records);
      if (flushes) rebuild.flush(high, low);
    }
    from = to;
  }
  merge.releaseAll(rebuild.records);
  rebuild.finish();
}

/** Only these columns of each row. */
export function columnsOf(rows: readonly Row[], ...names: readonly string[]): Row[] {
  return rows.map((row) => Object.fromEntries(names.map((name) => [name, row[name] ?? null])));
}

/** `prerouting input`: the hooks a row's packet passed, in order. */
export function wayOf(row: Row): string {
  const hooks = Object.keys(Hook).filter((hook) => row[`${hook}_at`] !== null);
  const at = (hook: string): bigint => row[`${hook}_at`] as bigint;
  return hooks.sort((a, b) => (at(a) < at(b) ? -1 : 1)).join(' ');
}
