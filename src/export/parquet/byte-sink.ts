/** Bytes under construction. The memory is kept and used again after clear(). */
export class ByteSink {
  at = 0;
  private bytes: Uint8Array;

  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
  }

  clear(): void {
    this.at = 0;
  }

  /** Lent until the next change. */
  get written(): Uint8Array {
    return this.bytes.subarray(0, this.at);
  }

  put(bytes: Uint8Array): void {
    const needed = this.at + bytes.length;
    if (needed > this.bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
      grown.set(this.written);
      this.bytes = grown;
    }
    this.bytes.set(bytes, this.at);
    this.at = needed;
  }
}
