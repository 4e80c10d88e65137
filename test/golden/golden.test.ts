/**
 * Captures from real kernels against what those kernels counted themselves
 * while they were made. NAME.capture with NAME.truth.json adds its tests; the
 * truth is made of `nft -j list ruleset`, `conntrack -L -o extended` and
 * `conntrack -S` of one namespace, never of our own output.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { openCaptureTables } from '../../src/cli/capture-tables.ts';
import { BatchView, type Value } from '../../src/columns/batch-view.ts';
import { HOOKS, Status } from '../../src/model/codes.ts';
import { describeLedger, imbalance, type Ledger } from '../../src/model/ledger.ts';
import { TABLES } from '../../src/model/tables.ts';
import { conntrackLine, flowKey } from './conntrack-line.ts';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));

type Row = Readonly<Record<string, Value>>;

interface Counter {
  /** `nat` of ip and ip6, `count` of inet: two chains a hook, before and after all others. */
  readonly family: 'ip' | 'ip6' | 'inet';
  readonly table: string;
  readonly chain: string;
  readonly comment: string;
  readonly packets: number;
}

interface Truth {
  readonly why: string;
  readonly kernel: string;
  readonly netns: number;
  readonly counters: readonly Counter[];
  readonly conntrack: readonly string[];
  readonly stats: Readonly<Record<string, number>>;
}

interface Rebuilt {
  readonly packets: Row[];
  readonly flows: Row[];
  readonly ledger: Ledger;
}

async function rebuild(path: string, netns: number): Promise<Rebuilt> {
  const rows: Record<string, Row[]> = { packets: [], flows: [], losses: [] };
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

/** What our rows say of everything that the kernel counted. */
function countOf(counter: Counter, packets: readonly Row[]): number | undefined {
  const { family, table, chain, comment } = counter;
  const [place = '', when] = chain.split('_');
  const hook = comment.startsWith('drop ') ? comment.slice(5) : place;
  const rows = passed(packets, hook);
  const ofFamily = rows.filter((row) => row.family === (family === 'ip' ? 4 : 6));
  if (table === 'count') {
    // confirmation comes after the last chain: what it refuses was counted
    const left = (row: Row): boolean =>
      row.last_hook !== hook || row.verdict === 'accept' || row.confirm === 'refused';
    const counted = when === 'early' ? rows : rows.filter(left);
    return counted.filter((row) => trafficOf(row) === comment).length;
  }
  const ran = ofFamily.filter((row) => row[`${hook}_chains`] === true);
  if (comment === 'chain') return ran.length;
  if (comment === 'dnat') return ran.filter((row) => row.dst_nat === 'rule').length;
  if (comment === 'snat') return ran.filter((row) => row.src_nat === 'rule').length;
  if (comment === 'invalid' || comment === 'untracked') {
    return ofFamily.filter((row) => row.state === comment).length;
  }
  if (comment.startsWith('drop ')) {
    return ofFamily.filter((row) => row.last_hook === hook && row.verdict === 'drop').length;
  }
  return undefined;
}

/** Counters that say the same of one chain, added up. */
function added(counters: readonly Counter[]): Counter[] {
  const sums = new Map<string, Counter>();
  for (const counter of counters) {
    const key = [counter.family, counter.table, counter.chain, counter.comment].join(' ');
    const packets = counter.packets + (sums.get(key)?.packets ?? 0);
    sums.set(key, { ...counter, packets });
  }
  return [...sums.values()];
}

const cases = readdirSync(FOLDER).filter((name) => name.endsWith('.capture'));

it('has captures', () => {
  expect(cases.length).toBeGreaterThan(0);
});

describe.each(cases)('%s', (name) => {
  const truth = JSON.parse(
    readFileSync(`${FOLDER}${name.replace(/capture$/, 'truth.json')}`, 'utf8'),
  ) as Truth;
  let found: Rebuilt;
  beforeAll(async () => {
    found = await rebuild(FOLDER + name, truth.netns);
  });

  it.each(added(truth.counters))('$family $table $chain "$comment": $packets', (counter) => {
    expect(countOf(counter, found.packets)).toBe(counter.packets);
  });

  it('has the flows that the kernel lists', () => {
    const inTable = found.flows.filter(
      ({ end, confirm }) => end === 'open' && (confirm === 'inserted' || confirm === 'older'),
    );
    const listed = new Set(truth.conntrack.map((line) => conntrackLine(line)));
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
