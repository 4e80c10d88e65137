/** Standard output that is a file: nothing of it is lost in silence. */
import { fstatSync, writeSync } from 'node:fs';
import { stdoutError } from '../model/error.ts';

const FD = 1;

/** Its stream takes what a full disk took of a write for all of it: this goes on, and is refused. */
export function writeStdoutFile(bytes: Uint8Array): void {
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(FD, bytes, at);
  } catch (error) {
    throw stdoutError(error);
  }
}

let known: boolean | undefined;

export function isStdoutFile(): boolean {
  known ??= isFile(FD);
  return known;
}

function isFile(fd: number): boolean {
  try {
    return fstatSync(fd).isFile();
  } catch {
    return false; // closed
  }
}
