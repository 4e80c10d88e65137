/** A capture and the kernel's account of the same scenario, as rows and numbers for tests. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openCaptureTables } from '../../src/cli/capture-tables.ts';
import { BatchView, type Value } from '../../src/columns/batch-view.ts';
import type { HookCounts } from '../../src/lab/hook-counts.ts';
import type { KernelTruth, NamespaceTruth } from '../../src/lab/truth.ts';
import { HOOKS, type HookName } from '../../src/model/codes.ts';
import type { TraceEnd, TraceFacts } from '../../src/model/facts.ts';
import {
  FAILURES,
  FLOWS,
  LOSSES,
  PACKETS,
  RULES,
  STATES_TABLE,
  type Table,
  type TableName,
} from '../../src/model/tables.ts';

export type Row = Readonly<Record<string, Value>>;

export interface Trace {
  readonly facts: TraceFacts;
  readonly end: TraceEnd;
  readonly packets: readonly Row[];
  readonly flows: readonly Row[];
  readonly rules: readonly Row[];
  readonly failures: readonly Row[];
  readonly losses: readonly Row[];
  readonly states: readonly Row[];
}

const TABLES: Readonly<Record<string, Table>> = {
  packets: PACKETS,
  flows: FLOWS,
  rules: RULES,
  failures: FAILURES,
  losses: LOSSES,
  states: STATES_TABLE,
};

export async function readCaptureTrace(path: string): Promise<Trace> {
  const capture = await openCaptureTables(path);
  try {
    const rows: Record<TableName, Row[]> = {
      packets: [],
      flows: [],
      rules: [],
      failures: [],
      losses: [],
      states: [],
    };
    const batches = capture.batches();
    for (;;) {
      const next = await batches.next();
      if (next.done) {
        return { facts: capture.facts, end: next.value, ...rows };
      }
      const { table, batch } = next.value;
      const view = new BatchView(batch, TABLES[table]!);
      for (let row = 0; row < view.rows; row++) rows[table].push(view.row(row));
    }
  } finally {
    await capture.close();
  }
}

export async function readTruth(folder: string): Promise<KernelTruth> {
  return JSON.parse(await readFile(join(folder, 'truth.json'), 'utf8')) as KernelTruth;
}

type Traffic = keyof HookCounts['prerouting']['early'];

const PROTOCOLS: Readonly<Record<number, string>> = {
  1: 'icmp',
  6: 'tcp',
  17: 'udp',
  33: 'dccp',
  47: 'gre',
  58: 'icmp',
  132: 'sctp',
  136: 'udplite',
};

/** The lab's counters name traffic so; undefined for what they do not count. */
export function trafficOf(row: Row): Traffic | undefined {
  const protocol = PROTOCOLS[Number(row.protocol)];
  const isNeighbour = row.protocol === 58 && Number(row.dst_port) >>> 8 >= 130;
  return protocol === undefined || isNeighbour
    ? undefined
    : (`ipv${row.family} ${protocol}` as Traffic);
}

/** Rows of one namespace that passed a hook, counted as the lab's nft chains count. */
export function countAtHook(
  rows: readonly Row[],
  { inode }: NamespaceTruth,
  hook: HookName,
  isWanted: (row: Row) => boolean = () => true,
): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const row of rows) {
    const traffic = trafficOf(row);
    if (row.netns !== inode || row[`${hook}_at`] === null || traffic === undefined) continue;
    if (isWanted(row)) counts[traffic] = (counts[traffic] ?? 0) + 1;
  }
  return counts;
}

/** Without the zeros, to compare with counted rows. */
export function nonZero(counts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0));
}

export function inNamespace(rows: readonly Row[], { inode }: NamespaceTruth): Row[] {
  return rows.filter((row) => row.netns === inode);
}

/** Hooks that a packet passed, in order of time. */
export function wayOf(row: Row): HookName[] {
  const at = (hook: HookName): bigint => row[`${hook}_at`] as bigint;
  return HOOKS.filter((hook) => row[`${hook}_at`] !== null).sort((a, b) =>
    at(a) < at(b) ? -1 : 1,
  );
}

/** `10.0.1.2:5001>203.0.113.2:53`, as it came or as it left. */
export function tupleOf(row: Row, suffix = ''): string {
  const end = (side: string): string =>
    `${row[`${side}${suffix}`]}:${row[`${side}_port${suffix}`]}`;
  return `${end('src')}>${end('dst')}`;
}
