/** Drained bytes to a capture file (capture-format.ts), a chunk per drain. */
import type { TraceEnd, TraceFacts } from '../model/facts.ts';
import { ChunkType, chunkHeadBytes, footerBytes, headBytes, MAX_CHUNK } from './capture-format.ts';
import { PartialFile } from './partial-file.ts';

export class CaptureWriter {
  private readonly file: PartialFile;

  private constructor(file: PartialFile) {
    this.file = file;
  }

  /** Until close() the capture is PATH.partial, readable up to its last whole chunk. */
  static async open(path: string, facts: TraceFacts): Promise<CaptureWriter> {
    const writer = new CaptureWriter(await PartialFile.create(path));
    await writer.write(headBytes(facts));
    return writer;
  }

  /** Bytes in the file so far. */
  get bytes(): number {
    return this.file.size;
  }

  /**
   * Resolves when the bytes are with the system: only then may the buffer be
   * used again. `horizonNs`: no record still to come is older.
   */
  async append(drained: Uint8Array, horizonNs: bigint): Promise<void> {
    if (drained.byteLength === 0) return;
    await this.chunk(ChunkType.records, drained, horizonNs);
  }

  /** The file gets its name. */
  async close(end: TraceEnd): Promise<void> {
    const endAt = this.file.size;
    const json = Buffer.from(JSON.stringify(end));
    await this.chunk(ChunkType.end, json, BigInt(end.endedKtimeNs));
    await this.write(footerBytes(endAt));
    await this.file.commit();
  }

  /** Leaves what there is as PATH.partial. */
  async abort(): Promise<void> {
    await this.file.keep();
  }

  private async chunk(type: number, content: Uint8Array, horizonNs: bigint): Promise<void> {
    for (let at = 0; at < content.byteLength; at += MAX_CHUNK) {
      const piece = content.subarray(at, at + MAX_CHUNK);
      const head = chunkHeadBytes({ type, length: piece.byteLength, horizonNs });
      await this.write(head, piece);
    }
  }

  /** A failed capture keeps its whole chunks. */
  private async write(...parts: readonly Uint8Array[]): Promise<void> {
    try {
      await this.file.write(...parts);
    } catch (error) {
      await this.file.keep();
      throw error;
    }
  }
}
