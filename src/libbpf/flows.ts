/**
 * Flows read and handed on by the shim: native/flows/read.h says what each
 * field means. Both calls work on the same table, whose counts stand in the
 * memory of the call; who works on it beside keeps them there, too.
 */
import { addressOfView, CallMemory } from './address.ts';
import { shim } from './shim.ts';

/** Memory of a table: struct flow_table. */
export interface FlowMemory {
  /** Words of struct flow_row, of each slot. */
  readonly rows: Int32Array;
  readonly next: Int32Array;
  readonly previous: Int32Array;
  readonly queue: Uint8Array;
  readonly limit: number;
}

/** 64-bit words of struct flow_table. */
const INDEX = 4;
/** And its 32-bit words. */
const SIZES = 10; // mask, used
const LIMIT = 12;
const STATE = 13; // count, free, fresh, head[2], tail[2]
const STATE_WORDS = 7;

/** 64-bit words of struct read_call, and its 32-bit words. */
const RECORDS = 10;
const STAGED = 11;
const PLACES = 12;
const RULES = 13;
const AT = 28;
const COUNT = 30;
const ACCOUNTS = 36;
const CALL_BYTES = 152;

/** The same of struct hand_on_call. */
const OUT = 10;
const COUNTS = 11;
const BEFORE = 12;
const QUEUE = 26;
const ROWS = 29;

/** enum read_flag. */
export const ReadFlag = { packets: 1, changes: 2 } as const;

/** What flows_hand_on() returns: enum handed_on. */
export const HandedOn = { all: 0, full: 1, staged: 2 } as const;

/** Words of struct known_rule. */
export const KnownRule = { word: 0, netns: 2, family: 3, number: 4, words: 6 } as const;

/** Numbers of struct rule_counts: of doubles. */
export const RuleCount = { flows: 0, packets: 1, bytes: 3, words: 5 } as const;

export interface ReadFrom {
  /** Words of the block; `at` and `end` are among them. */
  readonly records: Int32Array;
  readonly at: number;
  readonly end: number;
  readonly staged: Int32Array;
  readonly places: Int32Array;
  readonly rules: Int32Array;
  readonly ruleCount: number;
  /** Of what is staged, and how many more there is room for. */
  readonly count: number;
  readonly room: number;
  /** Packets so far. */
  readonly begun: number;
  /** Of a flow of which a packet is staged that takes its tuples. */
  readonly mark: number;
  /** ReadFlag. */
  readonly flags: number;
}

/** Word where it stopped, records staged, and whether conntrack's own counts have come. */
export interface ReadSoFar {
  at: number;
  staged: number;
  hasAccounts: boolean;
}

export interface HandOn {
  readonly rows: Int32Array;
  /** Word in `rows`, and how many rows fit from there. */
  readonly at: number;
  readonly room: number;
  readonly counts: Float64Array;
  /** CLOCK_MONOTONIC, ns: flows whose last record is older. */
  readonly before: bigint;
  readonly queue: number;
  /** Of the stage. */
  readonly turn: number;
}

export class FlowCalls {
  /** Mask and use of the index: src/rebuild/address-table.ts. */
  readonly sizes: Int32Array;
  /** Counts and queues of the slots: src/rebuild/slots.ts. */
  readonly state: Int32Array;
  /** What the last read() came to. */
  readonly read: ReadSoFar = { at: 0, staged: 0, hasAccounts: false };
  private readonly call = new CallMemory(CALL_BYTES);

  constructor() {
    const { buffer } = this.call.bytes;
    this.sizes = new Int32Array(buffer, SIZES * 4, 2);
    this.state = new Int32Array(buffer, STATE * 4, STATE_WORDS);
  }

  /** Before the first call. */
  use({ rows, next, previous, queue, limit }: FlowMemory): void {
    this.call.wide.set([rows, next, previous, queue].map(addressOfView));
    this.call.narrow[LIMIT] = limit;
  }

  /** Whenever the index has another place. */
  useIndex(entries: Int32Array): void {
    this.call.wide[INDEX] = addressOfView(entries);
  }

  /** Reads as many records as are plain; see `read`. */
  readPlain(from: ReadFrom): void {
    const { wide, narrow, address } = this.call;
    wide[RECORDS] = addressOfView(from.records);
    wide[STAGED] = addressOfView(from.staged);
    wide[PLACES] = addressOfView(from.places);
    wide[RULES] = addressOfView(from.rules);
    narrow[AT] = from.at;
    narrow[AT + 1] = from.end;
    narrow[COUNT] = from.count;
    narrow[COUNT + 1] = from.room;
    narrow[COUNT + 2] = from.begun;
    narrow[COUNT + 3] = from.mark;
    narrow[COUNT + 4] = from.flags;
    narrow[COUNT + 5] = from.ruleCount;
    narrow[ACCOUNTS] = 0;
    this.read.at = shim().flows_read(address);
    this.read.staged = narrow[COUNT]! - from.count;
    this.read.hasAccounts = narrow[ACCOUNTS] !== 0;
  }

  /** Returns why it ended, HandedOn, and how many rows it has written. */
  handOn(to: HandOn): { readonly end: number; readonly rows: number } {
    const { wide, narrow, address } = this.call;
    wide[OUT] = addressOfView(to.rows) + BigInt(to.at * 4);
    wide[COUNTS] = addressOfView(to.counts);
    wide[BEFORE] = to.before;
    narrow[QUEUE] = to.queue;
    narrow[QUEUE + 1] = to.room;
    narrow[QUEUE + 2] = to.turn;
    const end = shim().flows_hand_on(address);
    return { end, rows: narrow[ROWS]! };
  }
}
