/** Names of a column chunk: distinct ones and their indexes, else all of them in plain. */

import type { Bounds } from './bounds.ts';
import { ByteSink } from './byte-sink.ts';
import type { Span } from './rows.ts';

const MOST_ENTRIES = 4096;
const SLOTS = 16_384;

export class NameDictionary {
  /** Length and bytes of each entry: the plain form. */
  readonly entries = new ByteSink();
  count = 0;
  values = 0;
  indexes = new Int32Array(1024);
  private readonly starts = new Int32Array(MOST_ENTRIES + 1);
  private slots = new Int32Array(SLOTS);

  clear(rows: number): void {
    this.entries.clear();
    if (this.count > 0) this.slots.fill(0);
    this.count = 0;
    this.values = 0;
    if (this.indexes.length < rows + 8) this.indexes = new Int32Array(rows + 8);
  }

  /** @returns false at one name too many. */
  add(bytes: Uint8Array, offsets: Int32Array, rows: Int32Array | undefined, span: Span): boolean {
    const count = rows?.length ?? span.rows;
    let last = -1;
    for (let i = 0; i < count; i++) {
      const row = rows === undefined ? span.from + i : rows[i]!;
      const start = offsets[row]!;
      const end = offsets[row + 1]!;
      if (last < 0 || !this.isEntry(last, bytes, start, end)) last = this.find(bytes, start, end);
      if (last < 0) return false;
      this.indexes[this.values++] = last;
    }
    return true;
  }

  get bounds(): Bounds {
    const all = Array.from({ length: this.count }, (_, entry) => this.entry(entry));
    const sorted = all.sort(Buffer.compare);
    return { least: sorted[0]!, greatest: sorted.at(-1)! };
  }

  private entry(index: number): Uint8Array {
    const end = index + 1 < this.count ? this.starts[index + 1]! : this.entries.at;
    return this.entries.bytes.slice(this.starts[index]! + 4, end);
  }

  private find(bytes: Uint8Array, start: number, end: number): number {
    let hash = 0x811c9dc5;
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
    let slot = (hash ^ (hash >>> 15)) & (SLOTS - 1);
    for (; this.slots[slot] !== 0; slot = (slot + 1) & (SLOTS - 1)) {
      const entry = this.slots[slot]! - 1;
      if (this.isEntry(entry, bytes, start, end)) return entry;
    }
    if (this.count === MOST_ENTRIES) return -1;
    this.starts[this.count++] = this.entries.at;
    this.slots[slot] = this.count;
    putName(this.entries, bytes, start, end);
    return this.count - 1;
  }

  private isEntry(entry: number, bytes: Uint8Array, start: number, end: number): boolean {
    const at = this.starts[entry]! + 4;
    const next = entry + 1 < this.count ? this.starts[entry + 1]! : this.entries.at;
    if (next - at !== end - start) return false;
    const known = this.entries.bytes;
    for (let i = start, from = at; i < end; i++, from++) if (known[from] !== bytes[i]) return false;
    return true;
  }
}

export function putName(sink: ByteSink, bytes: Uint8Array, start: number, end: number): void {
  sink.u32(end - start);
  sink.put(bytes.subarray(start, end));
}
