/**
 * The distinct values of a column chunk, in order of first appearance, and for
 * each value the index of its entry. Hash tables are flat arrays with open
 * addressing, used again for each chunk.
 */

/** Indexes of 16 bits are the widest that are packed. */
const MOST_ENTRIES = 65_536;
const LEAST_SLOTS = 1024;
/** So few are kept in any case: columns of codes have no plain form. */
const ALWAYS = 256;

export class Dictionary {
  /** Of the last build: `stride` words for each entry. */
  entries = new Int32Array(1024);
  count = 0;
  /** Entry of each value, with room for a last group of eight. */
  indexes = new Int32Array(1024);
  /** Entry + 1 by hash; 0 is free. */
  private slots = new Int32Array(1024);
  private mask = 0;

  /** @returns false where the dictionary would not pay: the caller writes plain values. */
  build(words: Int32Array, values: number, stride: number): boolean {
    // An index takes at most two bytes: entries must not take the rest.
    const paying = stride === 1 ? values >>> 1 : (values * 7) >>> 3;
    const limit = Math.min(MOST_ENTRIES, Math.max(ALWAYS, paying));
    this.prepare(values, limit * stride);
    this.count =
      stride === 1
        ? isNarrow(words, values)
          ? this.buildNarrow(words, values, limit)
          : this.build1(words, values, limit)
        : stride === 2
          ? this.build2(words, values, limit)
          : this.build4(words, values, limit);
    return this.count >= 0;
  }

  /** All values alike. */
  buildOne(words: Int32Array, stride: number): void {
    for (let i = 0; i < stride; i++) this.entries[i] = words[i]!;
    this.count = 1;
  }

  private prepare(values: number, words: number): void {
    let slots = LEAST_SLOTS;
    while (slots < values * 2 && slots < MOST_ENTRIES * 2) slots *= 2;
    if (this.slots.length < slots) this.slots = new Int32Array(slots);
    else this.slots.fill(0, 0, slots);
    this.mask = slots - 1;
    if (this.indexes.length < values + 8) this.indexes = new Int32Array(values + 8);
    if (this.entries.length < words + 8) this.entries = new Int32Array(words + 8);
  }

  /** Of small numbers the value is its own place in the table. All return entries, -1: too many. */
  private buildNarrow(words: Int32Array, values: number, limit: number): number {
    const { slots, indexes, entries } = this;
    let count = 0;
    for (let i = 0; i < values; i++) {
      const word = words[i]!;
      let slot = slots[word]!;
      if (slot === 0) {
        if (count === limit) return -1;
        entries[count++] = word;
        slot = count;
        slots[word] = slot;
      }
      indexes[i] = slot - 1;
    }
    return count;
  }

  private build1(words: Int32Array, values: number, limit: number): number {
    const { slots, mask, indexes, entries } = this;
    let count = 0;
    let last = ~words[0]!;
    let index = 0;
    for (let i = 0; i < values; i++) {
      const word = words[i]!;
      if (word !== last) {
        last = word;
        let slot = hash(word) & mask;
        for (index = slots[slot]! - 1; index >= 0 && entries[index] !== word; ) {
          slot = (slot + 1) & mask;
          index = slots[slot]! - 1;
        }
        if (index < 0) {
          if (count === limit) return -1;
          entries[count] = word;
          index = count++;
          slots[slot] = count;
        }
      }
      indexes[i] = index;
    }
    return count;
  }

  private build2(words: Int32Array, values: number, limit: number): number {
    const { slots, mask, indexes, entries } = this;
    let count = 0;
    let index = -1;
    for (let i = 0, at = 0; i < values; i++, at += 2) {
      const low = words[at]!;
      const high = words[at + 1]!;
      if (index < 0 || entries[index * 2] !== low || entries[index * 2 + 1] !== high) {
        let slot = hash(low ^ Math.imul(high, 0x85ebca6b)) & mask;
        index = slots[slot]! - 1;
        while (index >= 0 && (entries[index * 2] !== low || entries[index * 2 + 1] !== high)) {
          slot = (slot + 1) & mask;
          index = slots[slot]! - 1;
        }
        if (index < 0) {
          if (count === limit) return -1;
          entries[count * 2] = low;
          entries[count * 2 + 1] = high;
          index = count++;
          slots[slot] = count;
        }
      }
      indexes[i] = index;
    }
    return count;
  }

  private build4(words: Int32Array, values: number, limit: number): number {
    const { slots, mask, indexes, entries } = this;
    let count = 0;
    let index = -1;
    for (let i = 0, at = 0; i < values; i++, at += 4) {
      if (index < 0 || !isSame4(entries, index * 4, words, at)) {
        let slot = hash4(words, at) & mask;
        index = slots[slot]! - 1;
        while (index >= 0 && !isSame4(entries, index * 4, words, at)) {
          slot = (slot + 1) & mask;
          index = slots[slot]! - 1;
        }
        if (index < 0) {
          if (count === limit) return -1;
          for (let k = 0; k < 4; k++) entries[count * 4 + k] = words[at + k]!;
          index = count++;
          slots[slot] = count;
        }
      }
      indexes[i] = index;
    }
    return count;
  }
}

/** Whether all values are below the least number of slots. */
function isNarrow(words: Int32Array, values: number): boolean {
  let bits = 0;
  for (let i = 0; i < values; i++) bits |= words[i]!;
  return bits >>> 0 < LEAST_SLOTS;
}

function hash(word: number): number {
  const mixed = Math.imul(word ^ (word >>> 15), 0x2c1b3c6d);
  return mixed ^ (mixed >>> 15);
}

function hash4(words: Int32Array, at: number): number {
  const upper = words[at]! ^ Math.imul(words[at + 1]!, 0x85ebca6b);
  const lower = words[at + 2]! ^ Math.imul(words[at + 3]!, 0xc2b2ae35);
  return hash(upper ^ Math.imul(lower, 0x27d4eb2f));
}

function isSame4(a: Int32Array, at: number, b: Int32Array, from: number): boolean {
  return (
    a[at + 3] === b[from + 3] &&
    a[at + 2] === b[from + 2] &&
    a[at + 1] === b[from + 1] &&
    a[at] === b[from]
  );
}
