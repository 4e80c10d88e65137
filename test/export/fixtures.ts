/** Rows in which no two fields are equal, what must come back of them, and places to write to. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach } from 'vitest';
import type { TraceEnd, TraceFacts } from '../../src/model/facts.ts';
import { layoutOf } from '../../src/model/row-layout.ts';
import type { Column, Table } from '../../src/model/tables.ts';

export type Value = bigint | number | boolean | string | null;
export type Row = Record<string, Value>;

export const NAMES = ['NETFILTER_DROP', 'nf_hook_slow', 'Grüße', ''];
/** The low word of monotonic times overflows when this is added. */
export const CLOCK_OFFSET = 1_763_687_855_123_456_789n;

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Parquet is encoded in a thread that needs compiled code; built here when older than its source. */
export function ensureBuilt(): void {
  const built = join(ROOT, 'dist/export/parquet-worker.js');
  const sources = ['src/export', 'src/export/parquet', 'src/libbpf'].flatMap((folder) =>
    readdirSync(join(ROOT, folder)).map((name) => join(ROOT, folder, name)),
  );
  const newest = Math.max(...sources.map((path) => statSync(path).mtimeMs));
  if (existsSync(built) && statSync(built).mtimeMs >= newest) return;
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  try {
    execFileSync(process.execPath, [tsc, '-p', join(ROOT, 'tsconfig.build.json')]);
  } catch {
    // Errors of types are the business of `npm run check`; the code is there all the same.
  }
}

const folders: string[] = [];

export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'conntrail-test-'));
  folders.push(folder);
  return folder;
}

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function hex(bytes: readonly number[]): string {
  return Buffer.from(bytes).toString('hex');
}

function address(place: number, row: number): string {
  if (row % 2 === 0) return hex([...Array(10).fill(0), 0xff, 0xff, 10, place, row % 256, 250]);
  return hex(Array.from({ length: 16 }, (_, i) => (i * 16 + place + row) % 256));
}

function sample({ type, nullable, words = [] }: Column, place: number, row: number): Value {
  if (nullable && (row + place) % 3 === 0) return null;
  switch (type) {
    case 'bool':
      return (row + place) % 2 === 0;
    case 'u8':
      return (place * 3 + row * 41) % 256;
    case 'u16':
      return (40_000 + place * 37 + row * 1009) % 65_536;
    case 'u32':
      return (0x8000_0000 + place * 65_537 + row * 99_991) % 2 ** 32;
    case 'u64':
      return 2n ** 63n + 2n ** 53n + 1n + BigInt(place) * 1_000_003n + BigInt(row);
    case 'timestamp':
      return CLOCK_OFFSET + 0xffff_fff0n + BigInt(place) * 1_000_003n + BigInt(row) * 7n;
    case 'address':
      return address(place, row);
    case 'code':
      return words[(place + row) % words.length]!;
    case 'name':
      return NAMES[(place + row) % NAMES.length]!;
  }
}

export function rowsOf(table: Table, count: number, first = 0): Row[] {
  return Array.from({ length: count }, (_, i) =>
    Object.fromEntries(
      table.columns.map((column, place) => [column.name, sample(column, place, first + i)]),
    ),
  );
}

function put(words: Int32Array, at: number, column: Column, value: Value): void {
  if (typeof value === 'bigint') {
    const raw = column.type === 'timestamp' ? value - CLOCK_OFFSET : value;
    words[at] = Number(BigInt.asIntN(32, raw));
    words[at + 1] = Number(BigInt.asIntN(32, raw >> 32n));
  } else if (column.type === 'address') {
    const bytes = Buffer.from(String(value), 'hex');
    for (let i = 0; i < 4; i++) words[at + i] = bytes.readInt32LE(i * 4);
  } else if (column.type === 'code') {
    words[at] = (column.words ?? []).indexOf(String(value));
  } else {
    words[at] = column.type === 'name' ? NAMES.indexOf(String(value)) : Number(value);
  }
}

/** The rows as rebuild/ would leave them; what is null keeps rubbish in its words. */
export function wordsOf(table: Table, rows: readonly Row[]): Int32Array {
  const layout = layoutOf(table);
  const words = new Int32Array(rows.length * layout.stride);
  for (const [i, row] of rows.entries()) {
    const start = i * layout.stride;
    for (const column of table.columns) {
      const value = row[column.name]!;
      const at = start + layout.at(column.name);
      const index = layout.index(column.name);
      if (value === null) {
        words[start + (index >>> 5)]! |= 1 << (index & 31);
        words[at] = 99;
      } else put(words, at, column, value);
    }
  }
  return words;
}

export const FACTS: TraceFacts = {
  recordVersion: 3,
  recordBytes: 96,
  node: 'node/1',
  bootId: '3f0a5c1e-boot',
  kernel: '6.12.9-test',
  arch: 'x64',
  cpus: 7,
  clockOffsetNs: String(CLOCK_OFFSET),
  dropReasons: { '2': 'NOT_SPECIFIED', '5': 'NETFILTER_DROP' },
  attached: ['kprobe nf_hook_slow'],
  notAvailable: ['fentry nf_nat_setup_info: EINVAL'],
  detail: 'visits',
  backend: 'kprobe',
  sample: 64,
  filter: 'tcp port 81',
  netnsNames: { '4026531840': 'host' },
  extras: [],
  sources: { 'NAT decision': 'fexit nf_nat_setup_info', clash: 'derived' },
  places: { '4026531840': { interfaces: { '2': 'eth0' }, addresses: ['192.0.2.7'] } },
};

export const END: TraceEnd = {
  rulesets: [],
  ledger: {
    rows: [
      {
        cpu: 11,
        probe: 1,
        sent: 1200,
        delivered: 1187,
        ringFull: 13,
        callsFull: 14,
        missedReturn: 15,
        missedEntry: 16,
        flowsFull: 17,
        recursion: null,
        evicted: 18,
      },
    ],
    lossWindow: { fromNs: '101', toNs: '202' },
    conntrackStats: { before: { invalid: 19 }, after: { invalid: 20 } },
  },
  symbols: { '0xffffffff81000000': 'nf_hook_slow' },
  startedKtimeNs: '101101101101',
  probeChanges: [
    {
      ktimeNs: '101101101555',
      attached: ['fentry nft_masq_eval'],
      lost: ['kprobe nf_nat_setup_info'],
      refused: ['fentry: no module'],
    },
  ],
  endedKtimeNs: '303303303303',
};
