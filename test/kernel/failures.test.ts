/**
 * What conntrack refuses and loses, on a real kernel: each scenario's rows of
 * `failures` against `conntrack -S` of the same window, per namespace and CPU,
 * against counters of rules, and against the packets that were sent.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openScenario, scenarioPath } from '../../src/lab/scenario-file.ts';
import type { NamespaceTruth } from '../../src/lab/truth.ts';
import { EXPLAINED } from '../../src/model/failure-codes.ts';
import { totalLost } from '../../src/model/ledger.ts';
import { playScript, runInGuest } from './in-guest.ts';
import { kernelsOf } from './matrix.ts';
import { inNamespace, type Row, readCaptureTrace, readTruth, type Trace } from './trace.ts';

const SCENARIOS = [
  'failure-invalid',
  'failure-window',
  'failure-no-port',
  'failure-full',
  'failure-evicted',
  'failure-expectation',
  'udp-race',
] as const;
type Name = (typeof SCENARIOS)[number];

/** Of modules without BTF kprobes alone. `make test` plays the first of each kernel. */
const RUNS = kernelsOf('failures.test.ts').flatMap((kernel) => {
  const backend = kernel === '5.10' ? 'kprobe' : 'fentry';
  const runs = [
    { kernel, backend, detail: 'packets', refusals: '' },
    { kernel, backend: 'kprobe', detail: 'flows', refusals: '--refusals' },
  ];
  return process.env.CONNTRAIL_KERNELS ? runs : runs.slice(0, 1);
});

/** `cpu=0 found=3 invalid=1 ...` lines to counts by counter, per CPU. */
function countersIn(statistics: string): Record<string, number>[] {
  return statistics
    .split('\n')
    .filter((line) => line.startsWith('cpu='))
    .map((line) => {
      const pairs = [...line.matchAll(/(\w+)=(\d+)/g)].map(([, name, value]) => [name, value]);
      return Object.fromEntries(pairs.map(([name, value]) => [name!, Number(value)]));
    });
}

/** What the kernel counted in the window, without zeros: `{ 'cpu 0 invalid': 3 }`. */
function counted({ statistics, statisticsBefore }: NamespaceTruth): Record<string, number> {
  const before = countersIn(statisticsBefore);
  const moved = countersIn(statistics).flatMap((row, cpu) =>
    EXPLAINED.map((name) => [`cpu ${cpu} ${name}`, (row[name] ?? 0) - (before[cpu]?.[name] ?? 0)]),
  );
  return Object.fromEntries(moved.filter(([, count]) => count !== 0));
}

/** The same as rows explain it. */
function explained(rows: readonly Row[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { cpu, counters } of rows) {
    for (const name of String(counters ?? '')
      .split(',')
      .filter(Boolean)) {
      const key = `cpu ${cpu} ${name}`;
      counts[key] = (counts[key] ?? 0) + 1;
    }
  }
  return counts;
}

function byCause(rows: readonly Row[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { cause } of rows) counts[String(cause)] = (counts[String(cause)] ?? 0) + 1;
  return counts;
}

describe.each(RUNS)('kernel $kernel, $backend, $detail $refusals', (run) => {
  let folder: string;
  let trace: Trace;
  const truths = new Map<Name, Readonly<Record<string, NamespaceTruth>>>();
  const isTold = run.detail !== 'flows' || run.refusals !== '';

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'conntrail-failures-'));
    const options = `--backend ${run.backend} --detail ${run.detail} ${run.refusals}`;
    await runInGuest(playScript(SCENARIOS, '$OUT', options), {
      outDir: folder,
      timeoutSec: 1100,
      kernel: run.kernel,
    });
    trace = await readCaptureTrace(join(folder, 'trace.capture'));
    for (const name of SCENARIOS) {
      truths.set(name, (await readTruth(join(folder, name))).namespaces);
    }
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const routerOf = (name: Name): NamespaceTruth => truths.get(name)!.router!;
  const rowsOf = (name: Name): Row[] => inNamespace(trace.failures, routerOf(name));
  const expectedOf = async (name: Name) =>
    (await openScenario(await scenarioPath(name))).expect as Readonly<
      Record<string, Record<string, number>>
    >;

  it('attaches what it was told to, and loses nothing', () => {
    expect(trace.facts.backend).toBe(run.backend);
    expect(trace.facts.attached).toContain('kprobe nf_l4proto_log_invalid');
    expect(totalLost(trace.end.ledger)).toBe(0);
  });

  it.each(SCENARIOS)('%s: the rules counted what it is made for', async (name) => {
    const { counters = {} } = await expectedOf(name);
    expect(routerOf(name).counters).toMatchObject(counters);
  });

  it.each(SCENARIOS)('%s: rows add up to what the kernel counted, on each CPU', (name) => {
    const least = name === 'failure-expectation' ? -1 : 0;
    expect(Object.keys(counted(routerOf(name))).length).toBeGreaterThan(least);
    const rows = rowsOf(name);
    if (isTold) expect(explained(rows)).toEqual(counted(routerOf(name)));
  });

  it('keeps the same numbers of every namespace in the ledger', () => {
    for (const name of SCENARIOS) {
      const { inode } = routerOf(name);
      const own = (trace.end.ledger.accounted ?? []).filter(({ netns }) => netns === inode);
      const kernel = own.map(({ cpu, counter, counted: n }) => [`cpu ${cpu} ${counter}`, n]);
      expect(Object.fromEntries(kernel)).toEqual(counted(routerOf(name)));
    }
  });

  it.each(['failure-invalid', 'failure-no-port', 'failure-full', 'failure-expectation'] as const)(
    '%s: each cause as often as packets were sent for it',
    async (name) => {
      const { failures = {} } = await expectedOf(name);
      const rows = rowsOf(name).filter(({ cause }) => cause !== 'no free port');
      if (isTold || name !== 'failure-invalid') expect(byCause(rows)).toEqual(failures);
    },
  );

  it('has the words of the kernel, and none where it has none', () => {
    const rows = rowsOf('failure-invalid');
    const texts = rows.map(({ text, dst_port: port }) => `${port} ${text}`);
    const flags = Array<string>(3).fill('9400 invalid tcp flag combination');
    const silent = [...Array<string>(4).fill('9401 null'), ...Array<string>(2).fill('769 null')];
    expect(texts.sort()).toEqual([...flags, ...(isTold ? silent : [])].sort());
    expect(new Set(rows.map(({ src }) => src))).toEqual(new Set(['10.0.1.2']));
  });

  it('names the rival and the rule of a flow that got no port', () => {
    const rows = rowsOf('failure-no-port');
    const taken = rows.filter(({ cause }) => cause === 'mapping taken');
    for (const row of taken) {
      const flow = trace.flows.find(({ flow: number }) => number === row.flow)!;
      const rival = trace.flows.find(({ flow: number }) => number === row.rival)!;
      expect(flow).toMatchObject({ confirm: 'refused', src_rule: row.rule });
      expect(rival).toMatchObject({
        confirm: 'inserted',
        src_rule: row.rule,
        src_port: row.rival_src_port,
      });
      expect(flow.src_port_reply).toBe(rival.src_port_reply);
      expect(flow.dst_port_reply).toBe(rival.dst_port_reply);
    }
    const rivals = taken.map(({ protocol, rival_src_port: port }) => `${protocol} ${port}`);
    for (const rival of rivals) expect(['6 9510', '17 9520', '17 9521']).toContain(rival);
    const sources = taken.map(({ src_port: port }) => port).sort();
    expect(sources).toEqual([9511, 9511, 9522, 9522, 9522]);
  });

  it('knows what NAT could choose from, and how often it tried', (context) => {
    if (run.refusals === '') context.skip('searches are not probed without --refusals');
    const searches = rowsOf('failure-no-port').filter(({ cause }) => cause === 'no free port');
    const asked = searches.map((row) => [
      row.protocol,
      row.min_address,
      row.max_address,
      row.min_port,
      row.max_port,
    ]);
    const udp = [17, '203.0.113.1', '203.0.113.1', 40100, 40101];
    expect(asked.filter(([protocol]) => protocol === 17)).toEqual([udp, udp, udp]);
    const tcp = [6, '203.0.113.1', '203.0.113.1', 40000, 40000];
    for (const one of asked) expect([tcp, udp]).toContainEqual(one);
    for (const { tries } of searches) expect(Number(tries)).toBeGreaterThan(0);
  });

  it('knows how full the table was, and who found no room', () => {
    const rows = rowsOf('failure-full');
    expect(rows.map(({ src_port: port }) => port).sort()).toEqual([9610, 9610, 9610, 9620, 9620]);
    for (const { fill, limit, flow } of rows) {
      expect([limit, flow]).toEqual([4, null]);
      expect(Number(fill)).toBeGreaterThanOrEqual(6); // the TCP flows, and the newcomer itself
    }
  });

  it('names victim and newcomer of each eviction, and the flow ends so', async () => {
    const rows = rowsOf('failure-evicted');
    const evicted = rows.filter(({ cause }) => cause === 'evicted');
    const full = rows.filter(({ cause }) => cause === 'table full');
    const { passed } = routerOf('failure-evicted').counters;
    expect(evicted.length).toBeGreaterThan(0);
    expect(new Set(evicted.map(({ rival }) => rival)).size).toBe(evicted.length);
    const newcomers = new Set([...evicted, ...full].map(({ src_port: port }) => port));
    const { newcomers: wanted } = await expectedOf('failure-evicted');
    expect(newcomers.size).toBeLessThanOrEqual(Number(wanted));
    expect(full).toHaveLength(80 - passed!);
    for (const row of evicted) {
      const victim = trace.flows.find(({ flow }) => flow === row.rival)!;
      expect(victim).toMatchObject({ end: 'evicted', src_port: row.rival_src_port });
      expect(row).toMatchObject({ limit: 60, dst_port: 9602 });
    }
    const ended = inNamespace(trace.flows, routerOf('failure-evicted'));
    expect(ended.filter(({ end }) => end === 'evicted')).toHaveLength(evicted.length);
  });

  it('says why a flow cannot be expected, and what the helper did then', () => {
    const rows = rowsOf('failure-expectation');
    const told = rows.map(({ cause, text }) => `${cause}: ${text}`).sort();
    expect(told).toEqual([
      'dropped by helper: cannot add expectation',
      'dropped by helper: cannot add expectation',
      'expectation refused: EMFILE',
      'expectation refused: EMFILE',
    ]);
    const masters = rows.map(({ flow }) => trace.flows.find((row) => row.flow === flow)?.src_port);
    expect(masters.sort()).toEqual([9631, 9631, 9632, 9632]);
  });

  it('tells how clashes were resolved, with both flows', () => {
    const race = rowsOf('udp-race');
    const searches = race.filter(({ cause }) => cause === 'no free port');
    // a null mapping has nothing to choose from: the search ends at the rival's tuple
    for (const { tries } of searches) expect(Number(tries)).toBeGreaterThan(0);
    expect(run.refusals === '' ? searches : []).toEqual([]);
    const rows = race.filter((row) => !searches.includes(row));
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) {
      expect(['clash merged', 'clash kept', 'clash refused', 'mapping taken']).toContain(row.cause);
      const rival = trace.flows.find(({ flow }) => flow === row.rival)!;
      const ports = [row.src_port, row.dst_port];
      expect([rival.src_port, rival.dst_port].sort()).toEqual(ports.sort());
    }
  });
});
