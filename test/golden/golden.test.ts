/**
 * Captures from real kernels against what those kernels counted themselves
 * while they were made. NAME.yaml is the scenario, NAME.capture the trace of it
 * and NAME.truth.json the kernel's account: see record.sh. A rule's comment
 * says what its counter counts, first word first.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { openCaptureTables } from '../../src/cli/capture-tables.ts';
import { BatchView, type Value } from '../../src/columns/batch-view.ts';
import { HOOKS, Status } from '../../src/model/codes.ts';
import type { KernelTruth } from '../../src/lab/truth.ts';
import { describeLedger, imbalance, type Ledger } from '../../src/model/ledger.ts';
import { TABLES } from '../../src/model/tables.ts';
import { conntrackLine, flowKey } from './conntrack-line.ts';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));

type Row = Readonly<Record<string, Value>>;

/** What is counted, at which hook or of which IP version, and how often it was. */
interface Counter {
  readonly what: string;
  readonly packets: number;
}

interface Truth {
  readonly netns: number;
  readonly counters: readonly Counter[];
  readonly conntrack: readonly string[];
  readonly stats: Readonly<Record<string, number>>;
}

/** The namespace of a scenario that counts. */
function readTruth(path: string): Truth {
  const { namespaces } = JSON.parse(readFileSync(path, 'utf8')) as KernelTruth;
  const counted = Object.values(namespaces).find(({ hooks }) => hooks !== null)!;
  const stats: Record<string, number> = {};
  for (const [, name, count] of counted.statistics.matchAll(/(\w+)=(\d+)/g)) {
    stats[name!] = (stats[name!] ?? 0) + Number(count);
  }
  const rules = Object.entries(counted.counters).map(([what, packets]) => ({ what, packets }));
  const hooks = Object.entries(counted.hooks!).flatMap(([hook, when]) =>
    Object.entries(when).flatMap(([early, traffic]) =>
      Object.entries(traffic).map(([of, packets]) => ({ what: `${hook} ${early} ${of}`, packets })),
    ),
  );
  const counters = [...rules, ...hooks];
  return { netns: counted.inode, counters, conntrack: counted.conntrack, stats };
}

interface Rebuilt {
  readonly packets: Row[];
  readonly flows: Row[];
  readonly ledger: Ledger;
}

async function rebuild(path: string, netns: number): Promise<Rebuilt> {
  const rows: Record<string, Row[]> = { packets: [], flows: [], rules: [], failures: [], losses: [] };
  const tables = await openCaptureTables(path);
  try {
    expect(tables.truncated).toBeUndefined();
    const batches = tables.batches();
    for (;;) {
      const { done, value } = await batches.next();
      if (done) {
        const here = (row: Row): boolean => row.netns === netns;
        const { packets = [], flows = [] } = rows;
        return { packets: packets.filter(here), flows: flows.filter(here), ledger: value.ledger };
      }
      const view = new BatchView(value.batch, TABLES.find(({ name }) => name === value.table)!);
      for (let row = 0; row < view.rows; row++) rows[value.table]!.push(view.row(row));
    }
  } finally {
    await tables.close();
  }
}

const NAMES: Readonly<Record<number, string>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'icmp' };

/** As the counters name what they count; neighbour and listener messages are not counted. */
function trafficOf({ family, protocol, dst_port }: Row): string | undefined {
  if (protocol === 58 && Number(dst_port) >>> 8 >= 130) return undefined;
  return `ipv${family} ${NAMES[Number(protocol)]}`;
}

function passed(rows: readonly Row[], hook: string): Row[] {
  return rows.filter((row) => row[`${hook}_at`] !== null);
}

/** Packets at a hook, before all chains of it, or after them. */
function countAtHook(hook: string, when: string, traffic: string, packets: readonly Row[]): number {
  const rows = passed(packets, hook).filter((row) => trafficOf(row) === traffic);
  if (when === 'early') return rows.length;
  // confirmation comes after the last chain: what it refuses was counted
  const left = (row: Row): boolean =>
    row.last_hook !== hook || row.verdict === 'accept' || row.confirm === 'refused';
  return rows.filter(left).length;
}

/** What our rows say of everything that the kernel counted. */
function countOf(counter: Counter, packets: readonly Row[]): number | undefined {
  const [what, at, ...of] = counter.what.split(' ');
  const last = of.at(-1);
  const count = (is: (row: Row) => boolean): number => packets.filter(is).length;
  switch (what) {
    case 'chain':
      return count((row) => row[`${at}_chains`] === true && `${row.family}` === last);
    case 'dnat':
    case 'snat':
      return count(
        (row) =>
          row[what === 'dnat' ? 'dst_nat' : 'src_nat'] === 'rule' &&
          NAMES[Number(row.protocol)] === at &&
          `${row.family}` === last,
      );
    case 'drop':
      return count((row) => row.last_hook === at && row.verdict === 'drop');
    case 'invalid':
    case 'untracked':
      return count((row) => row.state === what && row.forward_at !== null);
    default:
      return countAtHook(what!, at!, of.join(' '), packets);
  }
}

const cases = readdirSync(FOLDER).filter((name) => name.endsWith('.capture'));

it('has a capture of each scenario', () => {
  const scenarios = readdirSync(FOLDER).filter((name) => name.endsWith('.yaml'));
  expect(cases.map((name) => name.replace('.capture', '.yaml'))).toEqual(scenarios);
  expect(cases.length).toBeGreaterThan(0);
});

describe.each(cases)('%s', (name) => {
  const truth = readTruth(`${FOLDER}${name.replace(/capture$/, 'truth.json')}`);
  let found: Rebuilt;
  beforeAll(async () => {
    found = await rebuild(FOLDER + name, truth.netns);
  });

  it.each(truth.counters)('$what: $packets', (counter) => {
    expect(countOf(counter, found.packets)).toBe(counter.packets);
  });

  it('has the flows that the kernel lists', () => {
    const inTable = found.flows.filter(
      ({ end, confirm }) => end === 'open' && (confirm === 'inserted' || confirm === 'older'),
    );
    const listed = new Set(truth.conntrack.map((line) => conntrackLine(line.replace(/ +/g, ' '))));
    expect(inTable.map(flowKey).sort()).toEqual([...listed].sort());
  });

  it('has the failures that the kernel counts', () => {
    const invalid = found.packets.filter(({ state }) => state === 'invalid').length;
    expect(invalid).toBe(truth.stats.invalid! + truth.stats.error!);
    const refused = found.flows.filter(({ confirm }) => confirm === 'refused').length;
    expect(refused).toBe(truth.stats.insert_failed);
  });

  it('is complete, and its ledger balances', () => {
    expect(describeLedger(found.ledger)).toMatch(/^complete: [1-9]\d* records, none lost$/);
    expect(found.ledger.rows.map(imbalance).every((records) => records === 0)).toBe(true);
    expect(found.packets.filter(({ complete }) => complete !== true)).toEqual([]);
    expect(found.flows.filter(({ complete }) => complete !== true)).toEqual([]);
  });

  it('adds the packets of each flow up', () => {
    for (const flow of found.flows) {
      const own = found.packets.filter((row) => row.flow === flow.flow);
      const of = (direction: string): Row[] => own.filter((row) => row.direction === direction);
      const bytes = (rows: readonly Row[]): number =>
        rows.reduce((sum, { length }) => sum + Number(length), 0);
      expect(flow).toMatchObject({
        packets: BigInt(of('original').length),
        packets_reply: BigInt(of('reply').length),
        bytes: BigInt(bytes(of('original'))),
        bytes_reply: BigInt(bytes(of('reply'))),
        chain_packets: BigInt(own.filter((row) => Number(row.chain_runs) > 0).length),
      });
    }
  });

  it('gives no packet a hook twice, nor hooks that exclude each other', () => {
    for (const row of found.packets) {
      const way = HOOKS.filter((hook) => row[`${hook}_at`] !== null).join(' ');
      expect([
        'prerouting',
        'prerouting input',
        'prerouting forward',
        'prerouting forward postrouting',
        'output',
        'output postrouting',
        'prerouting input output postrouting',
      ]).toContain(way);
    }
  });

  it('says of every flow that was answered that a reply was seen', () => {
    const answers = found.packets.filter(
      ({ direction, state }) => direction === 'reply' && state === 'established',
    );
    for (const { flow } of answers) {
      const { status } = found.flows.find((row) => row.flow === flow)!;
      expect(Number(status) & Status.seenReply, `flow ${flow}`).not.toBe(0);
    }
  });
});
