/**
 * Memory of columns that nobody uses any more, for the next ones: fresh memory
 * costs the kernel a fault and a cleared page for each 4 KiB, and the garbage
 * collector its attention. What is taken holds whatever was in it.
 */

/** Kept at most, over all sizes. */
const MOST_BYTES = 96 << 20;

/** The memory of a view that has it for itself; undefined where others may be in it. */
export function ownBuffer({ buffer, byteLength }: ArrayBufferView): ArrayBuffer | undefined {
  return buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? buffer : undefined;
}

class MemoryPool {
  private readonly bySize = new Map<number, ArrayBuffer[]>();
  private readonly taken = new WeakSet<ArrayBufferLike>();
  /** Sizes that somebody takes: others would only fill the room. */
  private readonly sizes = new Set<number>();
  private keptBytes = 0;

  take(bytes: number): ArrayBuffer {
    const kept = this.bySize.get(bytes)?.pop();
    this.sizes.add(bytes);
    if (kept !== undefined) this.keptBytes -= bytes;
    const buffer = kept ?? new ArrayBuffer(bytes);
    this.taken.add(buffer);
    return buffer;
  }

  /** Was it taken here? Then all of it belongs to one batch, whose columns share it. */
  isTaken(buffer: ArrayBufferLike): buffer is ArrayBuffer {
    return this.taken.has(buffer);
  }

  /** The giver must not use it any more. */
  give(buffer: ArrayBuffer): void {
    const bytes = buffer.byteLength;
    this.taken.delete(buffer);
    if (!this.sizes.has(bytes) || this.keptBytes + bytes > MOST_BYTES) return;
    const known = this.bySize.get(bytes);
    if (known === undefined) this.bySize.set(bytes, [buffer]);
    else known.push(buffer);
    this.keptBytes += bytes;
  }
}

/** One for the thread: batches are made in one place and given up in several. */
export const columnMemory = new MemoryPool();
