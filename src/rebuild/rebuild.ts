/**
 * Records in the order of time in, rows of `packets`, `flows` and `failures` out. Pure: no
 * I/O, no clock; the same records give the same rows, live or from a file. The caller
 * owns the records; `onRows` owns a full RowBuffer only during its call.
 */
import { tallyCount } from '../libbpf/tally.ts';
import type { ModuleChange } from '../model/probe-change.ts';
import { NameTable } from '../model/rows.ts';
import { FLOWS } from '../model/tables.ts';
import { RecordKind } from '../wire/layout.ts';
import { Tally } from '../wire/tally.ts';
import { bigAt, recordWords, Shift, Word } from '../wire/words.ts';
import { BatchRows } from './batch-rows.ts';
import { Changes } from './changes.ts';
import { DecidedRules, type RulesChange } from './decided-rules.ts';
import { Failures } from './failures.ts';
import { FlowStore } from './flow-store.ts';
import { Flows } from './flows.ts';
import { Locations } from './locations.ts';
import { moduleChange } from './modules.ts';
import type { RebuildOptions } from './options.ts';
import { PacketRows } from './packet-rows.ts';
import { Packets } from './packets.ts';
import { copyPair } from './row-words.ts';

/** Records between two looks at what has been quiet long enough. */
const EXPIRE_EVERY = 1024;
/** Where plain records are rare, so many others are read before they are looked for again. */
const MOST_SKIPPED = 64;

export class Rebuild {
  readonly tally: Tally;
  readonly names = new NameTable();
  /** When the rules of a namespace were changed: nf_tables_commit(), xt_replace_table(). */
  readonly rulesChanges: RulesChange[] = [];
  /** Modules of the kernel that came or went, in order. */
  readonly modules: ModuleChange[] = [];
  private readonly options: RebuildOptions;
  readonly failures: Failures;
  /** Rules that decided about flows of the trace. */
  readonly decidedRules: DecidedRules;
  private readonly packetRows: PacketRows;
  private readonly flowRows: BatchRows;
  private readonly packets: Packets;
  private readonly flowStore: FlowStore;
  private readonly flows: Flows;
  private readonly changes: Changes;
  private readonly locations: Locations;
  private readonly now = new Int32Array(2); // time of the last record
  private untilExpiry = EXPIRE_EVERY;

  constructor(options: RebuildOptions) {
    const { batchRows = 16_384, flowLimit = 1_048_576, oneByOne } = options;
    this.options = options;
    this.locations = new Locations(this.names, options.symbol);
    this.tally = new Tally(options.cpus, oneByOne ? undefined : tallyCount);
    this.flowRows = new BatchRows(FLOWS, batchRows, options.onRows);
    this.packetRows = new PacketRows(batchRows, options.onPackets);
    this.decidedRules = new DecidedRules();
    const to = { rows: this.flowRows, rules: this.decidedRules };
    this.flowStore = new FlowStore(flowLimit, to, oneByOne);
    this.changes = new Changes(this.flowStore, options.changesFrom ?? 'packets', options.onRows);
    this.flows = new Flows(this.flowStore, this.decidedRules, this.changes);
    this.packets = new Packets(this.packetRows, this.flowStore, this.flows, options);
    this.failures = new Failures({ ...options, names: this.names, store: this.flowStore });
    this.flowStore.waiting = this.packets;
  }

  /** Flows given up, unfinished, because the table was full. */
  get evicted(): number {
    return this.flowStore.evicted;
  }

  /**
   * A block of records, from its first word on; the caller's again afterwards.
   * A function value, so that it can be handed to a merge.
   */
  readonly records = (words: Int32Array, records: number): void => {
    this.tally.count(words, records);
    this.packets.read(words);
    for (let from = 0; from < records; ) {
      const to = Math.min(from + this.untilExpiry, records);
      this.some(words, from * recordWords, to * recordWords);
      this.untilExpiry -= to - from;
      if (this.untilExpiry === 0) this.expire(words, (to - 1) * recordWords);
      from = to;
    }
    this.packets.settle();
  };

  /** Records of which no row is wanted; their names are, by whoever reads them later. */
  countOnly(words: Int32Array, records: number): void {
    this.tally.count(words, records);
    for (let at = 0; at < records * recordWords; at += recordWords) {
      const kind = (words[at + Word.kind]! >>> Shift.kind) & 0xff;
      if (kind === RecordKind.rules) this.rulesChanged(words, at);
      if (kind === RecordKind.module) this.modules.push(moduleChange(words, at));
      if (kind !== RecordKind.drop) continue;
      this.locations.of(words, at + Word.dropLocation);
    }
  }

  /**
   * Hands over the rows that change no more, though the buffers are not full.
   * `nowHigh`, `nowLow`: CLOCK_MONOTONIC; no record that is still to come is older.
   */
  flush(nowHigh: number, nowLow: number): void {
    this.now.set([nowLow, nowHigh]);
    this.packets.settle();
    this.packetRows.flush(this.now, 0);
    this.changes.flush();
    this.failures.expire(this.now, 0);
    this.failures.flush();
    this.flowStore.expire(this.now, 0);
    this.flowRows.flush();
  }

  /** The trace is over: every row is handed over. */
  finish(): void {
    this.packets.settle();
    this.packetRows.finish();
    this.failures.finish();
    this.flowStore.finish();
    this.changes.flush();
    this.flowRows.flush();
  }

  private some(words: Int32Array, from: number, to: number): void {
    let skipped = 1;
    for (let at = from; at < to; ) {
      const begun = at;
      if (!this.options.oneByOne) at = this.packets.readPlain(at, to, !this.failures.isAsking);
      skipped = at > begun ? 1 : Math.min(skipped * 2, MOST_SKIPPED);
      const next = Math.min(at + skipped * recordWords, to);
      for (; at < next; at += recordWords)
        this.dispatch((words[at + Word.kind]! >>> Shift.kind) & 0xff, words, at);
    }
  }

  private expire(words: Int32Array, at: number): void {
    this.untilExpiry = EXPIRE_EVERY;
    copyPair(words, at + Word.ktime, this.now, 0);
    this.packetRows.expire(this.now, 0);
    this.failures.expire(this.now, 0);
    this.flowStore.expire(this.now, 0);
  }

  private dispatch(kind: number, words: Int32Array, at: number): void {
    switch (kind) {
      case RecordKind.traversal:
        this.failures.sawPacket(words, at, this.packets.tuples);
        this.packets.saw(words, at);
        break;
      case RecordKind.came:
      case RecordKind.left:
        this.packets.tuples.keep(words, at, (words[at + Word.cpu]! >>> Shift.cpu) & 0xffff, kind);
        break;
      case RecordKind.flow:
        this.settleBefore(words, at);
        this.flows.told(words, at);
        break;
      case RecordKind.end:
        this.settleBefore(words, at);
        this.flows.ended(words, at);
        break;
      case RecordKind.state:
        this.flows.toldState(words, at);
        break;
      case RecordKind.drop:
        this.dropped(words, at);
        break;
      case RecordKind.rules:
        this.rulesChanged(words, at);
        break;
      case RecordKind.module:
        this.modules.push(moduleChange(words, at));
        break;
      default:
        this.failures.saw(kind, words, at);
    }
  }

  /** A record about an entry comes: packets before it see the entry's tuples as they were. */
  private settleBefore(words: Int32Array, at: number): void {
    if (this.packets.areStagedFrom(words, at) && this.flows.teaches(words, at))
      this.packets.settle();
  }

  private dropped(words: Int32Array, at: number): void {
    const reason = this.names.numberOf(this.options.dropReason(words[at + Word.dropReason]!));
    const location = this.locations.of(words, at + Word.dropLocation);
    this.packets.sawDrop(words, at, reason, location);
  }

  private rulesChanged(words: Int32Array, at: number): void {
    const netns = words[at + Word.netns]! >>> 0;
    this.rulesChanges.push({ netns, atNs: bigAt(words, at + Word.ktime) });
    this.flows.rules.changed(netns);
  }
}
