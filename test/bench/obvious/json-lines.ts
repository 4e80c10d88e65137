/** Rows as JSON lines in a file. */
import { closeSync, openSync, writeSync } from 'node:fs';
import type { Row, Value } from './rows.ts';

export class JsonLines {
  readonly written = { rows: 0, bytes: 0 };
  private readonly fd: number;

  constructor(path: string) {
    this.fd = openSync(path, 'w', 0o600);
  }

  write(rows: readonly Row[]): void {
    const lines = rows.map((row) => `${JSON.stringify(row, plain)}\n`);
    this.written.rows += rows.length;
    this.written.bytes += writeSync(this.fd, lines.join(''));
  }

  close(): void {
    closeSync(this.fd);
  }
}

/** JSON has no 64-bit integers. */
function plain(_name: string, value: Value): Value {
  return typeof value === 'bigint' ? value.toString() : value;
}
