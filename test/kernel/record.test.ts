/**
 * `conntrail record` on a real kernel: a flood with the default ring and with
 * one made too small, every output of one run equal, and Ctrl-C.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LEDGER_KEY } from '../../src/export/metadata.ts';
import { readMetadata } from '../../src/export/read-dataset.ts';
import { runGuest } from '../../src/lab/guest.ts';
import { PACKAGE_ROOT } from '../../src/lab/place.ts';
import type { KernelTruth } from '../../src/lab/truth.ts';
import type { Ledger } from '../../src/model/ledger.ts';
import { imbalance, totalLost } from '../../src/model/ledger.ts';
import { RecordKind } from '../../src/wire/layout.ts';
import { explain } from './explained.ts';
import {
  countAtHook,
  inNamespace,
  nonZero,
  readCaptureTrace,
  readTruth,
  type Trace,
} from './trace.ts';

let folder: string;
const at = (...parts: string[]) => join(folder, ...parts);
const text = (...parts: string[]) => readFile(at(...parts), 'utf8');

/** Runs a script in a guest; what it leaves in $OUT comes to `at()`. */
async function inGuest(script: string, timeoutSec: number): Promise<void> {
  const first = await runOnce(script, timeoutSec);
  if (first.status === 0) return;
  console.warn(`the guest's script ended with ${first.status} and runs once more: ${first.said}`);
  folder = await mkdtemp(join(tmpdir(), 'conntrail-record-'));
  const { status, said } = await runOnce(script, timeoutSec);
  expect(status, said).toBe(0);
}

async function runOnce(script: string, timeoutSec: number) {
  let said = '';
  const { status, kernelWarnings } = await runGuest({
    command: ['bash', '-c', script],
    outDir: folder,
    timeoutSec,
    onStderr: (chunk) => {
      said += chunk.toString();
    },
  });
  expect(kernelWarnings).toEqual([]);
  return { status, said };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conntrail-record-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function query(sql: string): Promise<Record<string, unknown>[]> {
  const instance = await DuckDBInstance.create();
  const connection = await instance.connect();
  try {
    return (await connection.runAndReadAll(sql)).getRowObjectsJson() as Record<string, unknown>[];
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

const parquet = (name: string, table: string) =>
  `read_parquet('${at(name)}/table=${table}/**/*.parquet')`;

/** On this machine: the tables of a capture that a guest brought, Parquet and all. */
function exportCapture(from: string, to: string, status: number): void {
  const main = join(PACKAGE_ROOT, 'dist/cli/main.js');
  const argv = [main, 'export', at(from), '--out', at(to), '-q'];
  expect(spawnSync(process.execPath, argv).status).toBe(status);
}

const FLOODS = `
conntrail lab --here --scenario flood --truth --out $OUT/flood -- --out $OUT/flood/trace.capture
echo $? > $OUT/flood/status
mkdir $OUT/small
conntrail lab --here --scenario lossy --truth --out $OUT/small -- \\
  --out $OUT/small/trace.capture --buffer 4KiB 2> $OUT/small/said
echo $? > $OUT/small/status
`;
let floods: Promise<void> | undefined;
/** Both in one guest, for whoever asks first. */
function playFloods(): Promise<void> {
  floods ??= inGuest(FLOODS, 900);
  return floods;
}

describe('a hundred thousand packets with the default ring', () => {
  let trace: Trace;
  let truth: KernelTruth;

  beforeAll(async () => {
    await playFloods();
    trace = await readCaptureTrace(at('flood', 'trace.capture'));
    truth = await readTruth(at('flood'));
  });

  it('delivers and loses, together, what was sent: per CPU and probe, to the record', () => {
    const { rows } = trace.end.ledger;
    expect(rows.filter((row) => imbalance(row) !== 0)).toEqual([]);
    const traversals = rows.filter((row) => row.probe === RecordKind.traversal);
    expect(traversals.filter((row) => row.sent > 0).length).toBeGreaterThan(0);
    const sent = traversals.reduce((sum, row) => sum + row.sent, 0);
    expect(sent).toBeGreaterThanOrEqual(100_000);
  });

  it('has every packet the kernel counted at the hooks of the router, or a loss for it', () => {
    const router = truth.namespaces.router!;
    const early = nonZero(router.hooks!.prerouting.early);
    expect(early).toEqual({ 'ipv4 udp': 100_000 });
    const lost = totalLost(trace.end.ledger);
    const ours = countAtHook(trace.packets, router, 'prerouting')['ipv4 udp'] ?? 0;
    if (lost === 0) expect(ours).toBe(100_000);
    else expect(100_000 - ours).toBeLessThanOrEqual(lost);
  });

  it('ends with the status that says whether anything was lost', async () => {
    const status = Number(await text('flood', 'status'));
    expect(status).toBe(totalLost(trace.end.ledger) === 0 ? 0 : 3);
  });
});

describe('a ring made too small', () => {
  let ledger: Ledger;

  beforeAll(async () => {
    await playFloods();
    exportCapture('small/trace.capture', 'small/trace', 3);
    const [run] = await readMetadata(at('small', 'trace'));
    ledger = JSON.parse(run!.metadata[LEDGER_KEY]!) as Ledger;
  });

  it('loses records, and says so by its exit status and its last words', async () => {
    expect(await text('small', 'status')).toBe('3\n');
    expect(await text('small', 'said')).toMatch(/\n\d+ of \d+ records lost\n/);
    expect(totalLost(ledger)).toBeGreaterThan(0);
  });

  it('balances all the same: sent is delivered plus lost, per CPU, to the record', () => {
    expect(ledger.rows.filter((row) => imbalance(row) !== 0)).toEqual([]);
    expect(ledger.lossWindow).not.toBeNull();
  });

  it('has the ledger of the metadata in the table losses', async () => {
    const rows = await query(
      `SELECT cpu, probe, sent, delivered, ring_full FROM ${parquet('small/trace', 'losses')} ORDER BY ALL`,
    );
    const sum = (name: string) => rows.reduce((total, row) => total + Number(row[name]), 0);
    const ours = (pick: (row: Ledger['rows'][number]) => number) =>
      ledger.rows.reduce((total, row) => total + pick(row), 0);
    expect(rows).toHaveLength(ledger.rows.length);
    expect(sum('sent')).toBe(ours((row) => row.sent));
    expect(sum('delivered')).toBe(ours((row) => row.delivered));
    expect(sum('ring_full')).toBe(ours((row) => row.ringFull));
    expect(sum('sent')).toBe(sum('delivered') + sum('ring_full'));
  });

  it('makes unknown what explain says of the rules of that time, and only of those', async () => {
    const { router } = (await readTruth(at('small'))).namespaces;
    expect(router!.counters).toMatchObject({ meanwhile: 2 });
    const { rules } = explain(at('small', 'trace.capture'), 3, 'records lost');
    const about = (comment: string) =>
      rules.find((rule) => rule.netns === router!.inode && rule.text.includes(`"${comment}"`))!;
    expect(about('before')).toMatchObject({ certainty: 'known', decided: { packets: 1 } });
    expect(about('before').notes.map(({ cause }) => cause)).not.toContain('unknown');
    expect(about('meanwhile')).toMatchObject({
      certainty: 'unknown',
      notes: [{ cause: 'unknown', detail: `${totalLost(ledger)} records were lost` }],
    });
  });

  it('claims no packet that the kernel did not count', async () => {
    const router = (await readTruth(at('small'))).namespaces.router!;
    const [row] = await query(
      `SELECT count(*) AS rows FROM ${parquet('small/trace', 'packets')}
       WHERE netns = ${router.inode} AND prerouting_at IS NOT NULL AND protocol = 17`,
    );
    expect(Number(row!.rows)).toBeLessThanOrEqual(router.hooks!.prerouting.early['ipv4 udp']);
  });
});

/** One run into four places, ended by Ctrl-C; a stream read by another process; a live explanation. */
const ONE_RUN = `
set -e
cd $OUT
modprobe nf_conntrack
conntrail doctor --json > doctor.json
conntrail lab --here --scenario tour --out $OUT/run -- -q --out $OUT/run/trace \
  --out $OUT/run/trace.capture --out $OUT/run/flows.parquet --table flows
bpftool prog show > programs; echo "status $?" >> programs; bpftool link show > links
conntrail lab --here --scenario dnat-masquerade --truth --out $OUT/filtered -- -q \
  --filter 'udp and dst port 5300' --out $OUT/filtered/trace.capture
conntrail explain --duration 1s --json > explain.json & explained=$!
conntrail watch --duration 1s --format json > watch.json & watched=$!
conntrail record --duration 2s --out - -q > stream.arrow
wait $explained
wait $watched
conntrail record --out sigterm.capture --ready-file ready & tracer=$!
while [ ! -e ready ]; do sleep 0.1; done
kill -TERM $tracer; wait $tracer; echo $? > sigterm.status
`;

describe('one run into several places', () => {
  beforeAll(() => inGuest(ONE_RUN, 600));

  it('could trace, and knew it', async () => {
    expect(JSON.parse(await text('doctor.json'))).toMatchObject({ canTrace: true });
  });

  it('leaves no probe behind after Ctrl-C', async () => {
    expect(await text('programs')).toMatch(/^status 0$/m);
    expect(await text('programs')).not.toMatch(/kprobe|tracepoint|tracing/);
    expect(await text('links')).toBe('');
  });

  it('leaves whole files after SIGTERM', async () => {
    expect(await text('sigterm.status')).toBe('0\n');
    expect((await readCaptureTrace(at('sigterm.capture'))).end.ledger.rows.length).toBeGreaterThan(
      0,
    );
    expect(existsSync(at('sigterm.capture.partial'))).toBe(false);
  });

  it('gives the same tables, value for value, live and from the capture', async () => {
    exportCapture('run/trace.capture', 'run/exported', 0);
    for (const table of ['packets', 'flows', 'losses']) {
      const live = parquet('run/trace', table);
      const exported = parquet('run/exported', table);
      const [count] = await query(`SELECT count(*) AS rows FROM ${live}`);
      expect(Number(count!.rows)).toBeGreaterThan(0);
      const columns = `SELECT * EXCLUDE (node, date, hour, run, "table")`;
      expect(await query(`${columns} FROM ${live} EXCEPT ALL ${columns} FROM ${exported}`)).toEqual(
        [],
      );
      expect(await query(`${columns} FROM ${exported} EXCEPT ALL ${columns} FROM ${live}`)).toEqual(
        [],
      );
    }
  });

  it('opens with a second, independent reader, with the same values', async () => {
    const { asyncBufferFromFile, parquetReadObjects } = await import('hyparquet');
    const { compressors } = await import('hyparquet-compressors');
    const file = await asyncBufferFromFile(at('run/flows.parquet'));
    const columns = ['flow', 'netns', 'src_port', 'dst_port', 'packets', 'status', 'src_nat'];
    const rows = await parquetReadObjects({ file, compressors, columns });
    const theirs = await query(
      `SELECT ${columns.join(', ')} FROM read_parquet('${at('run/flows.parquet')}')`,
    );
    const asText = (row: Record<string, unknown>) =>
      columns.map((name) => String(row[name])).join();
    expect(rows.map(asText).sort()).toEqual(theirs.map(asText).sort());
    expect(rows.length).toBeGreaterThan(3);
  });

  it('streams Arrow that a second process reads', () => {
    const reader = `
      const { tableFromIPC } = await import('apache-arrow');
      const { readFileSync } = await import('node:fs');
      const table = tableFromIPC(readFileSync(process.argv[1]));
      console.log(table.schema.fields.length, table.schema.metadata.get('conntrail.table'));`;
    const said = execFileSync(
      process.execPath,
      ['--input-type=module', '-e', reader, at('stream.arrow')],
      {
        cwd: PACKAGE_ROOT,
        encoding: 'utf8',
      },
    );
    expect(said).toMatch(/^\d\d packets\n$/);
  });

  it('filters in the kernel: every packet of the flows asked for, and no other', async () => {
    const trace = await readCaptureTrace(at('filtered', 'trace.capture'));
    const router = (await readTruth(at('filtered'))).namespaces.router!;
    const packets = inNamespace(trace.packets, router);
    expect(new Set(packets.map((row) => `${row.family} ${row.protocol}`))).toEqual(
      new Set(['4 17']),
    );
    expect(packets).toHaveLength(router.hooks!.prerouting.early['ipv4 udp']);
    expect(inNamespace(trace.flows, router)).toHaveLength(router.counters.names4!);
    expect(packets.filter((row) => row.complete !== true)).toEqual([]);
  });

  it('explains live, as JSON with certainty', async () => {
    expect(JSON.parse(await text('explain.json'))).toMatchObject({ certainty: 'known', lost: 0 });
  });
});
