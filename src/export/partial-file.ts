/**
 * A file that gets its name only when it is whole. Until then it lies beside
 * it as NAME.partial, 0600, and whatever had the name keeps it.
 */
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { errnoOf, fileError, TraceError } from '../model/error.ts';

export const PARTIAL = '.partial';

export class PartialFile {
  readonly path: string;
  readonly partialPath: string;
  readonly handle: FileHandle;
  /** Bytes given to write(); also where the next ones go. */
  size = 0;

  private constructor(path: string, partialPath: string, handle: FileHandle) {
    this.path = path;
    this.partialPath = partialPath;
    this.handle = handle;
  }

  /** Refuses at once what could not be put in place at the end. */
  static async create(path: string, partialPath = path + PARTIAL): Promise<PartialFile> {
    await refuseUnlessFile(path);
    return new PartialFile(path, partialPath, await openNew(partialPath));
  }

  /**
   * Resolves when the bytes are with the system: they may change again. Their
   * place is fixed by the call, so that writes under way do not mix.
   */
  async write(...parts: readonly Uint8Array[]): Promise<void> {
    let at = this.size;
    for (const { byteLength } of parts) this.size += byteLength;
    try {
      for (let rest = parts; rest.length > 0; ) {
        const { bytesWritten } = await this.handle.writev(rest.slice(0, MOST_PARTS), at);
        at += bytesWritten;
        rest = after(rest, bytesWritten);
      }
    } catch (error) {
      throw fileError('write', this.path, error);
    }
  }

  /** Takes the name. What happens before this leaves an older file of that name as it was. */
  async commit(): Promise<void> {
    try {
      await this.handle.sync();
      await this.refuseIfTaken();
      await this.handle.close();
      await rename(this.partialPath, this.path);
    } catch (error) {
      await this.keep();
      throw fileError('write', this.path, error);
    }
  }

  /** Gives up the name and leaves what is there under the partial one. */
  async keep(): Promise<void> {
    await this.handle.close().catch(() => undefined);
  }

  /** Gives up the name and what is there. */
  async discard(): Promise<void> {
    await this.keep();
    await rm(this.partialPath, { force: true }).catch(() => undefined);
  }

  private async refuseIfTaken(): Promise<void> {
    const [own, there] = await Promise.all([this.handle.stat(), stat(this.partialPath)]);
    if (own.ino !== there.ino) {
      const message = `${this.partialPath} belongs to another trace that writes ${this.path} too`;
      throw new TraceError('io', message, {
        hint: `look for this trace's in ${aside(this.partialPath)}`,
      });
    }
  }
}

/** Of one system call: IOV_MAX of Linux. */
const MOST_PARTS = 1024;

/** What is left of some bytes when the first so many are written. */
function after(parts: readonly Uint8Array[], written: number): readonly Uint8Array[] {
  let left = written;
  let first = 0;
  while (first < parts.length && left >= parts[first]!.byteLength) {
    left -= parts[first++]!.byteLength;
  }
  if (left === 0) return parts.slice(first);
  return [parts[first]!.subarray(left), ...parts.slice(first + 1)];
}

/** Where the leavings of a killed trace go when the next one needs the name. */
function aside(partialPath: string): string {
  return `${partialPath}.old`;
}

async function openNew(partialPath: string): Promise<FileHandle> {
  try {
    return await open(partialPath, 'wx+', 0o600);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw fileError('create', partialPath, error);
  }
  try {
    await rename(partialPath, aside(partialPath));
    return await open(partialPath, 'wx+', 0o600);
  } catch (error) {
    throw fileError('create', partialPath, error);
  }
}

async function refuseUnlessFile(path: string): Promise<void> {
  try {
    const found = await stat(path);
    if (found.isFile()) return;
    const what = found.isDirectory() ? 'a folder' : 'not a regular file';
    throw new TraceError('usage', `${path} is ${what}, needed the name of a file`);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw fileError('create', path, error);
  }
}
