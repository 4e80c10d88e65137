/**
 * From a 64-bit key (an skb address, a flow number) to a slot number: open
 * addressing with linear probing over one Int32Array, removal by shifting
 * back, so that no tombstones gather. No object per entry.
 */
const ENTRY_WORDS = 4; // low word, high word, slot + 1, unused

export class AddressTable {
  /** Another array when the table has grown. */
  entries: Int32Array;
  /** Mask of places, and how many are taken. */
  private readonly sizes: Int32Array;

  /** `sizes`: two words of memory for what the shim has to know, too. */
  constructor(expected: number, sizes: Int32Array = new Int32Array(2)) {
    let size = 16;
    while (size < expected * 2) size *= 2;
    this.entries = new Int32Array(size * ENTRY_WORDS);
    this.sizes = sizes;
    sizes[0] = size - 1;
    sizes[1] = 0;
  }

  private get mask(): number {
    return this.sizes[0]!;
  }

  /** The slot of a key, or -1. */
  find(low: number, high: number): number {
    const { entries, mask } = this;
    for (let index = hash(low, high) & mask; ; index = (index + 1) & mask) {
      const at = index * ENTRY_WORDS;
      const slot = entries[at + 2]!;
      if (slot === 0) return -1;
      if (entries[at] === low && entries[at + 1] === high) return slot - 1;
    }
  }

  /** Remembers a key that is not in the table. */
  insert(low: number, high: number, slot: number): void {
    if (++this.sizes[1]! * 2 > this.mask) this.grow();
    const { entries, mask } = this;
    let index = hash(low, high) & mask;
    while (entries[index * ENTRY_WORDS + 2] !== 0) index = (index + 1) & mask;
    this.put(index, low, high, slot + 1);
  }

  /** Forgets a key; one that is not there is no error. */
  remove(low: number, high: number): void {
    const { entries, mask } = this;
    let hole = hash(low, high) & mask;
    for (;;) {
      const at = hole * ENTRY_WORDS;
      if (entries[at + 2] === 0) return;
      if (entries[at] === low && entries[at + 1] === high) break;
      hole = (hole + 1) & mask;
    }
    this.sizes[1]!--;
    this.closeHole(hole);
  }

  /** Moves later entries of the same run back, so that none becomes unreachable. */
  private closeHole(start: number): void {
    const { entries, mask } = this;
    let hole = start;
    for (let index = (hole + 1) & mask; ; index = (index + 1) & mask) {
      const at = index * ENTRY_WORDS;
      if (entries[at + 2] === 0) break;
      const home = hash(entries[at]!, entries[at + 1]!) & mask;
      const isReachable = ((index - home) & mask) < ((index - hole) & mask);
      if (isReachable) continue;
      this.put(hole, entries[at]!, entries[at + 1]!, entries[at + 2]!);
      hole = index;
    }
    this.put(hole, 0, 0, 0);
  }

  private put(index: number, low: number, high: number, slotPlusOne: number): void {
    const at = index * ENTRY_WORDS;
    this.entries[at] = low;
    this.entries[at + 1] = high;
    this.entries[at + 2] = slotPlusOne;
  }

  private grow(): void {
    const old = this.entries;
    this.entries = new Int32Array(old.length * 2);
    this.sizes[0] = this.entries.length / ENTRY_WORDS - 1;
    this.sizes[1] = 1; // the one that asked for room
    for (let at = 0; at < old.length; at += ENTRY_WORDS) {
      const slot = old[at + 2]!;
      if (slot !== 0) this.insert(old[at]!, old[at + 1]!, slot - 1);
    }
  }
}

function hash(low: number, high: number): number {
  const mixed = Math.imul(low ^ Math.imul(high, 0x9e3779b1), 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}
