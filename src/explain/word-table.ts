/**
 * Keys of some 32-bit words, numbered in order of first use. Open addressing in
 * typed arrays: a million keys are a few dozen megabytes and no object.
 */
export class WordTable {
  length = 0;
  private readonly width: number;
  private readonly limit: number;
  private keys: Int32Array;
  /** Numbers of keys plus one, zero where free; twice as many places as keys at least. */
  private slots: Int32Array;

  /** `width`: words of a key. `limit`: so many keys are taken. */
  constructor(width: number, limit = Number.POSITIVE_INFINITY) {
    this.width = width;
    this.limit = limit;
    this.keys = new Int32Array(width * 512);
    this.slots = new Int32Array(1024);
  }

  /** Number of the key, the first words of an array; -1: not known, and there is no room for more. */
  numberOf(key: Int32Array): number {
    let slot = this.slotOf(key, 0);
    if (this.slots[slot] !== 0) return this.slots[slot]! - 1;
    if (this.length === this.limit) return -1;
    if ((this.length + 1) * 2 > this.slots.length) {
      this.grow();
      slot = this.slotOf(key, 0);
    }
    const at = this.length * this.width;
    for (let place = 0; place < this.width; place++) this.keys[at + place] = key[place]!;
    this.slots[slot] = ++this.length;
    return this.length - 1;
  }

  /** One word of a key. */
  word(number: number, place: number): number {
    return this.keys[number * this.width + place]!;
  }

  /** Where the key that begins at `from` is, or would be. */
  private slotOf(key: Int32Array, from: number): number {
    const { slots, keys, width } = this;
    const mask = slots.length - 1;
    let hash = 0x9e3779b9;
    for (let i = 0; i < width; i++) {
      hash = Math.imul(hash ^ key[from + i]!, 0x85ebca6b);
      hash ^= hash >>> 15;
    }
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const at = (slots[slot]! - 1) * width;
      if (at < 0) return slot;
      let same = 0;
      while (same < width && keys[at + same] === key[from + same]) same++;
      if (same === width) return slot;
    }
  }

  private grow(): void {
    const keys = new Int32Array(this.keys.length * 2);
    keys.set(this.keys);
    this.keys = keys;
    this.slots = new Int32Array(this.slots.length * 2);
    for (let number = 0; number < this.length; number++) {
      this.slots[this.slotOf(keys, number * this.width)] = number + 1;
    }
  }
}
