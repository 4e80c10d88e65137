/**
 * The conntrack table over ctnetlink, thousands of entries a call. In: the path
 * of a namespace. Out: rows (model/entry-row.ts) in memory that the next call
 * writes again, and conntrack's own lines of those that were chosen.
 */

import { CONNTRACK_TABLES, type ConntrackTable } from '../model/conntrack-tables.ts';
import { EntryRows } from '../model/entry-row.ts';
import { addressOfView, CallMemory } from './address.ts';
import { refuse } from './conntrack-refusal.ts';
import { errnoName } from './failure.ts';
import { type TableShim, tableShim } from './table-shim.ts';

/** struct table_call: words of 64 bits, then of 32. */
const Wide = { table: 0, netns: 1, rows: 2, text: 3, chosen: 4 } as const;
const Narrow = {
  ...{ capacity: 10, room: 11, count: 12, form: 13, timeoutMs: 14, groups: 15 },
  ...{ receiveBytes: 16, bytes: 17, isDone: 18, overruns: 19, isWoken: 20, passedOver: 21 },
  kind: 22,
} as const;
const CALL_BYTES = 96;

const ROWS = 4096;
const TEXT_BYTES = 1 << 20;

/** Bits of enum nfnetlink_groups (uapi/linux/netfilter/nfnetlink_compat.h). */
export const NewsGroup = { new: 1, update: 2, destroy: 4 } as const;

/** The same for expectations. */
export const ExpectNewsGroup = { new: 8, update: 16, destroy: 32 } as const;

export interface SocketOptions {
  /** Path of a namespace; absent: this process's. */
  readonly netns?: string | undefined;
  /** Absent: `conntrack`. Rows of `expect` are those of model/expect-row.ts. */
  readonly table?: ConntrackTable;
  /** What the kernel shall send by itself. */
  readonly groups?: number;
  /** Of the socket's buffer. */
  readonly receiveBytes?: number;
}

/** What one wait brought; the rows are in `rows`. */
export interface Waited {
  /** Times that the kernel threw news away since the wait before. */
  readonly overruns: number;
  readonly isWoken: boolean;
  readonly passedOver: number;
}

export type ChangeKind = 'insert' | 'update' | 'delete';
const CHANGES = { insert: 0, update: 1, delete: 2 } as const;

export class ConntrackSocket {
  readonly rows = new EntryRows(ROWS);
  /** What the kernel gave for the buffer. */
  readonly receiveBytes: number;
  readonly #shim: TableShim;
  readonly #call: CallMemory;
  readonly #table: ConntrackTable;
  #text: Uint8Array | undefined;
  #waiting: Promise<unknown> | undefined;
  #isOpen = true;

  private constructor(shim: TableShim, call: CallMemory, table: ConntrackTable) {
    this.#shim = shim;
    this.#call = call;
    this.#table = table;
    this.receiveBytes = call.narrow[Narrow.receiveBytes]!;
    call.wide[Wide.rows] = addressOfView(this.rows.words);
    call.narrow[Narrow.capacity] = ROWS;
  }

  static open(options: SocketOptions = {}): ConntrackSocket {
    const { netns, table = 'conntrack', groups = 0, receiveBytes = 0 } = options;
    const shim = tableShim();
    const path = Buffer.from(netns === undefined ? '' : `${netns}\0`);
    const call = new CallMemory(CALL_BYTES + Math.ceil(path.length / 8) * 8);
    call.bytes.set(path, CALL_BYTES);
    call.wide[Wide.netns] = path.length === 0 ? 0n : BigInt(call.address + CALL_BYTES);
    call.narrow[Narrow.groups] = groups;
    call.narrow[Narrow.kind] = CONNTRACK_TABLES.indexOf(table);
    call.narrow[Narrow.receiveBytes] = receiveBytes;
    refuse('open', table, shim.table_open(call.address));
    return new ConntrackSocket(shim, call, table);
  }

  /** All entries of a family, 0 for both; `next()` gives them. */
  list(family: 0 | 4 | 6): void {
    this.#call.narrow[Narrow.form] = family;
    this.#refuse('list', this.#shim.table_list(this.#call.address));
  }

  /** The next rows; false after the last ones. */
  next(): boolean {
    this.#refuse('list', this.#shim.table_next(this.#call.address));
    this.rows.length = this.#call.narrow[Narrow.count]!;
    return this.#call.narrow[Narrow.isDone] === 0;
  }

  /** Waits on another thread. Until it settles the rows are written to. */
  wait(timeoutMs: number): Promise<Waited> {
    const { narrow, address } = this.#call;
    narrow[Narrow.timeoutMs] = timeoutMs;
    const done = new Promise<number>((resolve, reject) => {
      this.#shim.table_wait.async(address, (error, status) => {
        this.#waiting = undefined;
        if (error === null) resolve(status);
        else reject(error);
      });
    }).then((status) => this.#waited(status));
    this.#waiting = done.catch(() => undefined);
    return done;
  }

  #waited(status: number): Waited {
    this.#refuse('wait for news of', status);
    const { narrow } = this.#call;
    this.rows.length = narrow[Narrow.count]!;
    return {
      overruns: narrow[Narrow.overruns]!,
      isWoken: narrow[Narrow.isWoken] !== 0,
      passedOver: narrow[Narrow.passedOver]!,
    };
  }

  /** Ends the wait that is going on, or the next one. */
  wake(): void {
    if (this.#isOpen) this.#refuse('wake the reader of', this.#shim.table_wake(this.#call.address));
  }

  /**
   * Conntrack's lines of rows that the last call read, or of rows of any memory
   * that name no message: bytes, lent until the next call.
   */
  *lines(chosen: Uint32Array, form: number, rows: EntryRows = this.rows): Generator<Uint8Array> {
    this.#text ??= new Uint8Array(TEXT_BYTES);
    const { wide, narrow, address } = this.#call;
    wide[Wide.text] = addressOfView(this.#text);
    wide[Wide.rows] = addressOfView(rows.words);
    narrow[Narrow.room] = TEXT_BYTES;
    narrow[Narrow.form] = form;
    for (let from = 0; from < chosen.length; ) {
      const rest = chosen.subarray(from);
      wide[Wide.chosen] = addressOfView(rest);
      narrow[Narrow.count] = rest.length;
      const done = this.#refuse('write lines of', this.#shim.table_lines(address));
      from += done;
      yield this.#text.subarray(0, narrow[Narrow.bytes]);
    }
    wide[Wide.rows] = addressOfView(this.rows.words);
  }

  /** Row 0: a tuple in, its entry out; false where there is none. */
  get(): boolean {
    const status = this.#shim.table_get(this.#call.address);
    if (errnoName(-status) === 'ENOENT') return false;
    this.#refuse('get an entry of', status);
    this.rows.length = 1;
    return true;
  }

  /** The first rows; an errno for each, 0 where the kernel did it. */
  change(kind: ChangeKind, rows: EntryRows): Int32Array {
    const errors = new Int32Array(Math.max(1, rows.length));
    const { wide, narrow, address } = this.#call;
    wide[Wide.rows] = addressOfView(rows.words);
    wide[Wide.chosen] = addressOfView(errors);
    narrow[Narrow.count] = rows.length;
    narrow[Narrow.form] = CHANGES[kind];
    const status = this.#shim.table_change(address);
    wide[Wide.rows] = addressOfView(this.rows.words);
    this.#refuse(`${kind} entries of`, status);
    return errors.subarray(0, rows.length);
  }

  /** Deletes all entries of a family, 0 for both. */
  flush(family: 0 | 4 | 6): void {
    this.#call.narrow[Narrow.form] = family;
    this.#refuse('flush', this.#shim.table_flush(this.#call.address));
  }

  /** Entries, as the kernel counts them. */
  count(): number {
    return this.#refuse('count the entries of', this.#shim.table_count(this.#call.address));
  }

  #refuse(operation: string, status: number): number {
    return refuse(operation, this.#table, status);
  }

  /** Ends a wait first. Does nothing the second time. */
  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.wake();
    this.#isOpen = false;
    await this.#waiting;
    this.#shim.table_close(this.#call.address);
  }
}
