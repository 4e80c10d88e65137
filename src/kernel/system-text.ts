import { readFileSync } from 'node:fs';

/** A file of /proc or /sys, without its last newline; undefined where it cannot be read. */
export function readSystemText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trimEnd();
  } catch {
    return undefined;
  }
}
