/**
 * Records in the order of time in, rows of `packets` and `flows` out. Pure: no
 * I/O, no clock; the same records give the same rows, live or from a file.
 *
 * The caller owns the records; `onRows` owns a full RowBuffer only during its
 * call, after which the buffer is used again.
 */
import { NameTable, RowBuffer } from '../model/rows.ts';
import { FLOWS, PACKETS } from '../model/tables.ts';
import { RecordKind } from '../wire/layout.ts';
import { Tally } from '../wire/tally.ts';
import { isLess, Shift, Word } from '../wire/words.ts';
import { AddressTable } from './address-table.ts';
import { Decisions } from './decisions.ts';
import { FlowStore } from './flow-store.ts';
import { Flows } from './flows.ts';
import { PacketFinder } from './packet-finder.ts';
import { PacketStore } from './packet-store.ts';
import { Visits } from './visits.ts';

export interface RebuildOptions {
  readonly cpus: number;
  /** Name of a number of enum skb_drop_reason. */
  readonly dropReason: (reason: number) => string;
  /** Kernel function at an address. */
  readonly symbol: (low: number, high: number) => string;
  readonly onRows: (rows: RowBuffer) => void;
  /** Rows handed over at a time. */
  readonly batchRows?: number;
  /** Most packets, and most flows, kept in the making. */
  readonly packetLimit?: number;
  readonly flowLimit?: number;
}

/** So many records pass between two looks at what has been quiet long enough. */
const EXPIRE_EVERY = 64;

export class Rebuild {
  readonly tally: Tally;
  readonly names = new NameTable();
  private readonly options: RebuildOptions;
  private readonly packetRows: RowBuffer;
  private readonly flowRows: RowBuffer;
  private readonly packets: PacketStore;
  private readonly flowStore: FlowStore;
  private readonly flows: Flows;
  private readonly finder: PacketFinder;
  private readonly visits: Visits;
  /** Numbers of names by kernel address: to find a name takes long. */
  private readonly locations = new AddressTable(64);
  private cpu = 0;
  private untilExpiry = EXPIRE_EVERY;

  constructor(options: RebuildOptions) {
    const { batchRows = 16_384, packetLimit = 65_536, flowLimit = 1_048_576 } = options;
    this.options = options;
    this.tally = new Tally(options.cpus);
    this.packetRows = new RowBuffer(PACKETS, batchRows);
    this.flowRows = new RowBuffer(FLOWS, batchRows);
    this.packets = new PacketStore(packetLimit, (words, row) =>
      this.append(this.packetRows, words, row),
    );
    this.flowStore = new FlowStore(flowLimit, (words, row) =>
      this.append(this.flowRows, words, row),
    );
    this.flows = new Flows(this.flowStore);
    this.finder = new PacketFinder(this.packets, this.flowStore);
    const decisions = new Decisions(this.packets, this.flowStore, this.flows);
    this.visits = new Visits(this.packets, this.finder, decisions);
  }

  /** Rows given up, unfinished, because a table was full. */
  get evicted(): { readonly packets: number; readonly flows: number } {
    return { packets: this.packets.evicted, flows: this.flowStore.evicted };
  }

  /** One record; a function value, so that it can be handed to a walk. */
  readonly record = (words: Int32Array, at: number): void => {
    this.tally.count(words, at);
    this.cpu = (words[at + Word.cpu]! >>> Shift.cpu) & 0xffff;
    this.dispatch((words[at + Word.kind]! >>> Shift.kind) & 0xff, words, at);
    if (--this.untilExpiry > 0) return;
    this.untilExpiry = EXPIRE_EVERY;
    this.packets.expire(words, at + Word.ktime);
    this.flowStore.expire(words, at + Word.ktime);
  };

  /** Hands over the rows finished so far, though the buffers are not full. */
  flush(): void {
    for (const rows of [this.packetRows, this.flowRows]) {
      if (rows.length > 0) this.handOver(rows);
    }
  }

  /** The trace is over: every row is handed over. */
  finish(): void {
    this.packets.finish();
    this.flowStore.finish();
    this.flush();
  }

  private dispatch(kind: number, words: Int32Array, at: number): void {
    switch (kind) {
      case RecordKind.visit:
        this.visits.saw(words, at, this.wasGapSince);
        break;
      case RecordKind.entered:
        this.visits.sawEntered(words, at);
        break;
      case RecordKind.flow:
        this.flows.told(words, at);
        break;
      case RecordKind.mapping:
        this.flows.mapped(words, at);
        break;
      case RecordKind.confirm:
        this.flows.confirmed(words, at);
        break;
      case RecordKind.end:
        this.flows.ended(words, at);
        break;
      case RecordKind.drop:
        this.dropped(words, at);
        break;
    }
  }

  private dropped(words: Int32Array, at: number): void {
    const { dropReason, symbol } = this.options;
    const reason = this.names.numberOf(dropReason(words[at + Word.dropReason]!));
    const low = words[at + Word.dropLocation]!;
    const high = words[at + Word.dropLocation + 1]!;
    let location = this.locations.find(low, high);
    if (location < 0) {
      location = this.names.numberOf(symbol(low, high));
      this.locations.insert(low, high, location);
    }
    this.finder.sawDrop(words, at, reason, location);
  }

  private readonly wasGapSince = (started: Int32Array, word: number): boolean => {
    const high = this.tally.gapHigh[this.cpu]!;
    const low = this.tally.gapLow[this.cpu]!;
    return isLess(started[word + 1]!, started[word]!, high, low);
  };

  private append(rows: RowBuffer, words: Int32Array, row: number): void {
    rows.append(words, row);
    if (rows.isFull) this.handOver(rows);
  }

  private handOver(rows: RowBuffer): void {
    this.options.onRows(rows);
    rows.clear();
  }
}
