import { type FileHandle, open, stat } from 'node:fs/promises';
import { errnoOf, fileError, TraceError } from '../model/error.ts';
import { PARTIAL } from './partial-file.ts';

/** A file read at any place, by whole spans. */
export class RandomAccess {
  readonly path: string;
  readonly size: number;
  private readonly handle: FileHandle;

  private constructor(path: string, size: number, handle: FileHandle) {
    this.path = path;
    this.size = size;
    this.handle = handle;
  }

  static async open(path: string): Promise<RandomAccess> {
    try {
      const handle = await open(path, 'r');
      const found = await handle.stat();
      if (found.isFile()) return new RandomAccess(path, found.size, handle);
      await handle.close();
      throw new TraceError('usage', `${path} is not a regular file`);
    } catch (error) {
      throw await explained(path, error);
    }
  }

  /** Fewer bytes only where the file ends. */
  async read(at: number, length: number): Promise<Buffer> {
    const room = Math.max(0, Math.min(length, this.size - at));
    const bytes = Buffer.allocUnsafeSlow(room);
    let done = 0;
    try {
      while (done < room) {
        const { bytesRead } = await this.handle.read(bytes, done, room - done, at + done);
        if (bytesRead === 0) break;
        done += bytesRead;
      }
    } catch (error) {
      throw fileError('read', this.path, error);
    }
    return bytes.subarray(0, done);
  }

  async close(): Promise<void> {
    await this.handle.close().catch(() => undefined);
  }
}

async function explained(path: string, error: unknown): Promise<TraceError> {
  const plain = fileError('read', path, error);
  if (errnoOf(error) !== 'ENOENT') return plain;
  const left = await stat(path + PARTIAL).catch(() => undefined);
  if (left === undefined) return plain;
  return new TraceError('missing', plain.message, {
    hint: `a trace that did not finish left ${path}${PARTIAL}`,
    cause: error,
  });
}
