/** Bytes of a file that is written piece by piece, none of which is copied. */
export class Pieces {
  /** Bytes so far. */
  at = 0;
  readonly all: Uint8Array[] = [];

  put(bytes: Uint8Array): void {
    this.all.push(bytes);
    this.at += bytes.length;
  }
}
