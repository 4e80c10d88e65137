/** Writes a cpio archive (newc), which is what a kernel takes as its first root. */

export interface CpioEntry {
  readonly path: string;
  readonly mode: number;
  readonly data?: Uint8Array;
}

export const folder = (path: string): CpioEntry => ({ path, mode: 0o040755 });
export const program = (path: string, data: Uint8Array | string): CpioEntry => ({
  path,
  mode: 0o100755,
  data: Buffer.from(data),
});
export const file = (path: string, data: Uint8Array | string): CpioEntry => ({
  path,
  mode: 0o100644,
  data: Buffer.from(data),
});

const padding = (length: number) => Buffer.alloc((4 - (length % 4)) % 4);

function encodeEntry(entry: CpioEntry, inode: number): Buffer {
  const name = Buffer.from(`${entry.path}\0`);
  const data = entry.data ?? new Uint8Array(0);
  const fields = [inode, entry.mode, 0, 0, 1, 0, data.length, 0, 0, 0, 0, name.length, 0];
  const head = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`;
  const start = Buffer.concat([Buffer.from(head), name]);
  return Buffer.concat([start, padding(start.length), data, padding(data.length)]);
}

/** Archives may be joined end to end: later entries win over earlier ones of the same path. */
export function encodeCpio(entries: readonly CpioEntry[]): Buffer {
  const all = [...entries, { path: 'TRAILER!!!', mode: 0 }];
  return Buffer.concat(all.map((entry, index) => encodeEntry(entry, index + 1)));
}
