/**
 * Records of a trace in the making, as the probes would send them: each on its
 * CPU, numbered, at a time that only goes on. And the rows that come of them.
 */

import { batchOf } from '../../src/columns/batch.ts';
import { BatchView, type Value } from '../../src/columns/batch-view.ts';
import { Hook, type HookName, Verdict } from '../../src/model/codes.ts';
import type { RowBuffer } from '../../src/model/rows.ts';
import type { RebuildOptions } from '../../src/rebuild/rebuild.ts';
import { Rebuild } from '../../src/rebuild/rebuild.ts';
import { Ctinfo, RecordFlag, RecordKind } from '../../src/wire/layout.ts';
import { Merge } from '../../src/wire/merge.ts';
import { type Fields, recordOf } from '../wire/record-fixture.ts';

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
}

export interface VisitOptions extends Place {
  readonly flags?: number;
  readonly ctinfo?: number;
  readonly verdict?: number;
  readonly ifindex?: number;
  readonly len?: number;
  /** The tuple with which the packet entered, where the visit changes it. */
  readonly from?: Tuple;
  /** What happens between enter and leave. */
  readonly during?: () => void;
}

export const NETNS = 4_026_532_001;
const START = 0x1_ffff_f000n; // the low word overflows on the way
const STEP = 100n;

export class Script {
  readonly records: Buffer[] = [];
  now = START;
  private readonly seqs: number[] = [];
  private readonly usual: Place;

  constructor(usual: Place = {}) {
    this.usual = { cpu: 0, netns: NETNS, flow: 0n, skb: 0xffff_8880_0000_0100n, ...usual };
  }

  wait(ns: bigint): void {
    this.now += ns;
  }

  visit(hook: HookName, tuple: Tuple, options: VisitOptions = {}): void {
    const entered = this.tick();
    options.during?.();
    const { from, during, ifindex = 0, len = 60, flags = 0, ...place } = options;
    const common = {
      hook: Hook[hook],
      ctinfo: Ctinfo.none,
      ...place,
      visitLen: len,
      visitIfindex: ifindex,
      flags: flags | (from === undefined ? 0 : RecordFlag.visitRewritten),
    };
    if (from !== undefined) this.emit(RecordKind.entered, from, common);
    const visitDurationNs = Number(this.now + STEP - entered);
    this.emit(RecordKind.visit, tuple, { verdict: Verdict.accept, ...common, visitDurationNs });
  }

  /** Both tuples of an entry, as its first sight tells them. */
  flow(original: Tuple, reply: Tuple, place: Place & { isOlder?: boolean; zone?: number } = {}) {
    const { isOlder = false, zone = 0, ...rest } = place;
    const flags = isOlder ? 0 : RecordFlag.flowNew;
    const entry = { flowAtZone: zone, flowAtEntryLo: 0x8100_0b00, flowAtEntryHi: 0xffff_8881 };
    this.emit(RecordKind.flow, original, { ...rest, ...entry, flags });
    this.emit(RecordKind.flow, reply, { ...rest, ...entry, flags: flags | RecordFlag.flowReply });
  }

  mapping(
    manip: 'src' | 'dst',
    reply: Tuple,
    place: Place & { isNull?: boolean; verdict?: number } = {},
  ): void {
    const { isNull = false, verdict = 1, ...rest } = place;
    const flags =
      (manip === 'src' ? RecordFlag.mappingSrc : 0) | (isNull ? RecordFlag.mappingNull : 0);
    this.emit(RecordKind.mapping, reply, { ...rest, flags, mappingVerdict: verdict });
  }

  confirm(reply: Tuple, place: Place & { verdict?: number; into?: bigint } = {}): void {
    const { into, ...rest } = place;
    const merged =
      into === undefined
        ? {}
        : {
            flags: RecordFlag.confirmMerged,
            confirmIntoLo: Number(into & 0xffff_ffffn),
            confirmIntoHi: Number(into >> 32n),
          };
    this.emit(RecordKind.confirm, reply, { verdict: Verdict.accept, ...rest, ...merged });
  }

  end(original: Tuple, place: Place & { remaining?: number; isUnconfirmed?: boolean } = {}): void {
    const { remaining = 0, isUnconfirmed = false, ...rest } = place;
    const flags = isUnconfirmed ? RecordFlag.endUnconfirmed : RecordFlag.endDeleted;
    this.emit(RecordKind.end, original, { skb: 0n, ...rest, flags, endRemaining: remaining >>> 0 });
  }

  drop(tuple: Tuple, place: Place & { reason?: number; location?: number } = {}): void {
    const { reason = 5, location = 0x8123_4567, ...rest } = place;
    const dropped = { dropReason: reason, dropLocationLo: location, dropLocationHi: 0xffff_ffff };
    this.emit(RecordKind.drop, tuple, { ...rest, ...dropped });
  }

  /** A record that the probe tried to send and could not. */
  lose(cpu = 0): void {
    this.seqs[cpu] = (this.seqs[cpu] ?? 0) + 1;
  }

  private tick(): bigint {
    this.now += STEP;
    return this.now;
  }

  private emit(kind: number, tuple: Tuple, fields: Fields): void {
    const all: Fields = {
      family: 4,
      l4proto: 17,
      ...this.usual,
      ...defined(fields),
      ...tuple,
      kind,
    };
    const cpu = Number(all.cpu);
    const seq = this.seqs[cpu] ?? 0;
    this.seqs[cpu] = seq + 1;
    this.records.push(recordOf({ ...all, seq, ktimeNs: this.tick() }));
  }
}

function defined(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

export type Row = Readonly<Record<string, Value>>;

export interface Rebuilt {
  readonly packets: Row[];
  readonly flows: Row[];
  readonly rebuild: Rebuild;
}

export interface RebuiltOptions
  extends Partial<Pick<RebuildOptions, 'batchRows' | 'packetLimit' | 'flowLimit'>> {
  /** Drains end after so many records, in turn; all at once without. */
  readonly chunks?: readonly number[];
}

/** The rows of some records, by way of a drain, as a reader of the tables sees them. */
export function rebuilt(records: readonly Buffer[], options: RebuiltOptions = {}): Rebuilt {
  const { chunks = [records.length], ...limits } = options;
  const rows = { packets: [] as Row[], flows: [] as Row[] };
  const names: string[] = [];
  const onRows = (buffer: RowBuffer): void => {
    names.splice(0, names.length, ...rebuild.names.names);
    const batch = batchOf(buffer.table, buffer.words, buffer.length, { clockOffsetNs: 0n, names });
    const view = new BatchView(batch, buffer.table);
    const to = rows[buffer.table.name as 'packets' | 'flows'];
    for (let row = 0; row < view.rows; row++) to.push(view.row(row));
  };
  const rebuild = new Rebuild({
    cpus: 8,
    dropReason: (reason) => `REASON_${reason}`,
    symbol: (low) => `at_${(low >>> 0).toString(16)}`,
    onRows,
    ...limits,
  });
  drainInto(rebuild, records, chunks);
  return { ...rows, rebuild };
}

function drainInto(rebuild: Rebuild, records: readonly Buffer[], chunks: readonly number[]): void {
  const merge = new Merge();
  let from = 0;
  for (let turn = 0; from < records.length; turn++) {
    const next = records[from + chunks[turn % chunks.length]!];
    const to = next === undefined ? records.length : from + chunks[turn % chunks.length]!;
    merge.add(Buffer.concat(records.slice(from, to)), 8);
    if (next !== undefined) merge.release(next.readInt32LE(4), next.readInt32LE(0), rebuild.record);
    from = to;
  }
  merge.releaseAll(rebuild.record);
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
