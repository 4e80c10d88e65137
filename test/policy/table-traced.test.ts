/** `table list --from`: entries that conntrack(8) made, beside traces whose flows are known. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CaptureReader } from '../../src/export/capture-reader.ts';
import { CaptureWriter } from '../../src/export/capture-writer.ts';
import { bootId } from '../../src/kernel/boot-id.ts';
import { packet, rule } from '../explain/rows.ts';
import { CLOCK_OFFSET, type Row } from '../export/fixtures.ts';
import { INSERTED, type Inserted, insertArguments } from '../table/inserted.ts';
import type { Ended } from './conntrail.ts';
import { cannotRun, TestNetns } from './table-netns.ts';
import { ENDED_AT, flowOf, LOST_UNTIL, writeTrace } from './traced.ts';

const folder = mkdtempSync(join(tmpdir(), 'conntrail-traced-'));
const place = (name: string): string => join(folder, name);
const OTHER_BOOT = '00000000-1111-2222-3333-444444444444';
const FIRST = 100;

let netns: TestNetns;
let inode: number;

const RULES: readonly Row[] = [
  rule(3, {}, { text: 'udp dport 80 dnat to 10.9.0.2:8081' }),
  rule(
    5,
    {},
    {
      ...{ backend: 'legacy', table_handle: 0n, chain: 'POSTROUTING', handle: 752n, number: 6 },
      ...{ hook: 'postrouting', text: '-p udp -j SNAT --to-source 192.168.1.4:6035' },
    },
  ),
];

/** Destination NAT and source NAT. */
const BOTH_ENDS = 5035;
const ofPort = (port: number): Inserted =>
  INSERTED.find(({ original }) => original.srcPort === port)!;
const numberOf = (one: Inserted): number => FIRST + INSERTED.indexOf(one);

function known(one: Inserted, given: Row = {}): Row {
  return flowOf(numberOf(one), inode, one, given);
}

const DECIDED: Row = { src_nat: 'rule', dst_nat: 'rule', src_rule: 5, dst_rule: 3 };

function wholeTrace(): readonly Row[] {
  return INSERTED.map((one) => known(one, one.original.srcPort === BOTH_ENDS ? DECIDED : {}));
}

/** The last packet of the flow that has rules is in the middle. */
function packetsOf(flow: number): Row[] {
  return [7n, 9n, 8n].map((ns) =>
    packet(ns, 'prerouting > forward', {
      ...{ netns: inode, flow: BigInt(flow), started_at: CLOCK_OFFSET + ns * 1_000_000_000n },
    }),
  );
}

interface Line {
  readonly protocol: number;
  readonly src_port?: number;
  readonly icmp_id?: number;
  readonly src_key?: number;
  readonly trace?: Readonly<Record<string, unknown>>;
}

function lines(text: string): Line[] {
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Line]));
}

const listed = (from: string, ...more: string[]) =>
  netns.table('list', '--from', place(from), ...more);

const jsonOf = new Map<string, Ended>();
/** All entries as JSON, with what a trace knows of them: read once. */
function whole(from: string): Ended {
  const ended = jsonOf.get(from) ?? listed(from, '-o', 'json');
  jsonOf.set(from, ended);
  return ended;
}

const ofTcp = (from: string, port: number): Line['trace'] =>
  lines(whole(from).stdout).find((line) => line.protocol === 6 && line.src_port === port)?.trace;

beforeAll(async () => {
  if (cannotRun !== undefined) return;
  netns = new TestNetns();
  inode = statSync(`/run/netns/${netns.name}`).ino;
  const off = ['nf_conntrack_acct', 'nf_conntrack_timestamp'];
  for (const name of off) netns.run('sysctl', ['-qw', `net.netfilter.${name}=0`]);
  netns.run('sh', ['-ec', INSERTED.map((one) => `${insertArguments(one)} 2>&1`).join('\n')]);
  const rules = RULES.map((row) => ({ ...row, netns: inode }));
  const packets = packetsOf(numberOf(ofPort(BOTH_ENDS)));
  const written = { flows: wholeTrace(), rules, packets };
  await writeTrace(place('whole'), written);
  await writeTrace(place('flows.parquet'), written);
  await writeTrace(place('flows.arrow'), written);
  await writeTrace(place('elsewhere'), { ...written, facts: { bootId: OTHER_BOOT } });
});

beforeEach((context) => {
  if (cannotRun !== undefined) context.skip(cannotRun);
});

afterAll(() => {
  if (cannotRun === undefined) netns.remove();
  rmSync(folder, { recursive: true });
});

describe('table list --from', () => {
  it('ties each entry to its flow, of every protocol, family and zone', () => {
    const { stdout, stderr, status } = whole('whole');
    const ends = (line: Line) =>
      `${line.protocol} ${line.src_port ?? line.icmp_id ?? line.src_key}`;
    const found = lines(stdout).map((line) => [ends(line), line.trace?.flow]);
    const wanted = INSERTED.map((one) => [
      `${one.protocol} ${one.original.srcPort}`,
      numberOf(one),
    ]);
    expect(netns.conntrack('-C').stdout).toBe(`${INSERTED.length}\n`);
    expect(found.sort()).toEqual(wanted.sort());
    const count = INSERTED.length;
    const sum = `${count} entries, ${count} known to the trace, which ended at ${ENDED_AT}\n`;
    expect(stderr).toBe(`complete: 41 records, none lost\n${sum}`);
    expect(status).toBe(0);
  });

  it('has the rules that decided, the true counts and the last packet', () => {
    const one = ofPort(BOTH_ENDS);
    const flow = numberOf(one);
    const line = lines(whole('whole').stdout).find(({ src_port }) => src_port === BOTH_ENDS);
    expect(line).toMatchObject({ packets: null, bytes: null });
    expect(line?.trace).toEqual({
      ...{ flow, older: false, src_nat: 'rule', dst_nat: 'rule' },
      src_rule: {
        ...{ rule: 5, backend: 'legacy', family: 'ip', table: 'nat', chain: 'POSTROUTING' },
        ...{ handle: 752, number: 6, text: '-p udp -j SNAT --to-source 192.168.1.4:6035' },
        name: 'nat/POSTROUTING/6',
      },
      dst_rule: {
        ...{ rule: 3, backend: 'nft', family: 'ip', table: 'nat', chain: 'prerouting' },
        ...{ handle: 43, number: 4, text: 'udp dport 80 dnat to 10.9.0.2:8081' },
        name: 'ip nat prerouting handle 43',
      },
      ...{ packets: flow + 1000, packets_reply: flow + 2000 },
      ...{ bytes: flow + 300_000, bytes_reply: flow + 500_000 },
      last_at: String(CLOCK_OFFSET + 9_000_000_000n),
    });
  });

  it('says the same below the columns of each entry', () => {
    const { stdout } = listed('whole', '-p', 'udp', '--sport', String(BOTH_ENDS));
    const flow = numberOf(ofPort(BOTH_ENDS));
    const [head, entry, trace, ...more] = stdout.split('\n');
    expect(head).toMatch(/^protocol /);
    expect(entry).toMatch(/^udp .* 10\.0\.0\.10:5035 > 10\.8\.2\.12:80 /);
    expect(trace).toBe(
      `  trace: flow ${flow}: ` +
        'dst decided by ip nat prerouting handle 43: udp dport 80 dnat to 10.9.0.2:8081; ' +
        'src decided by nat/POSTROUTING/6: -p udp -j SNAT --to-source 192.168.1.4:6035; ' +
        `${flow + 1000} packets (${flow + 300_000} bytes), ` +
        `${flow + 2000} in reply (${flow + 500_000} bytes); last seen 01:17:44.123456`,
    );
    expect(more).toEqual(['']);
  });

  it('writes it into columns of Parquet, null for what is not known', async () => {
    const out = place('entries.parquet');
    expect(listed('whole', '--out', out, '-p', 'udp', '--sport', String(BOTH_ENDS)).status).toBe(0);
    const connection = await (await DuckDBInstance.create()).connect();
    const found = await connection.runAndReadAll(
      `SELECT trace_flow, trace_unknown, trace_older, trace_src_nat, trace_dst_nat, trace_src_rule,
        trace_dst_rule, trace_dst_rule_text, trace_packets, trace_packets_reply, trace_bytes,
        trace_bytes_reply, epoch_us(trace_last_at) AS last_us, packets FROM '${out}'`,
    );
    connection.closeSync();
    const flow = BigInt(numberOf(ofPort(BOTH_ENDS)));
    expect(found.getRowObjectsJS()).toEqual([
      {
        ...{ trace_flow: flow, trace_unknown: null, trace_older: false },
        ...{ trace_src_nat: 'rule', trace_dst_nat: 'rule', trace_src_rule: 5, trace_dst_rule: 3 },
        trace_dst_rule_text: 'ip nat prerouting handle 43: udp dport 80 dnat to 10.9.0.2:8081',
        ...{ trace_packets: flow + 1000n, trace_packets_reply: flow + 2000n },
        ...{ trace_bytes: flow + 300_000n, trace_bytes_reply: flow + 500_000n },
        ...{ last_us: (CLOCK_OFFSET + 9_000_000_000n) / 1000n, packets: null },
      },
    ]);
  });

  it('has no word of a trace where none was given', () => {
    const { stdout } = netns.table('list', '-o', 'json', '-p', 'udp', '--sport', '5035');
    expect(stdout).not.toContain('trace');
    expect(lines(stdout)).toHaveLength(1);
  });

  it.each(['flows.parquet', 'flows.arrow'])('reads %s, which has no rules', (name) => {
    const { stdout, status } = listed(name, '-o', 'json', '-p', 'udp', '--sport', '5035');
    expect(lines(stdout)[0]?.trace).toMatchObject({ dst_rule: { rule: 3 }, last_at: null });
    expect(Object.keys(lines(stdout)[0]?.trace?.dst_rule as object)).toEqual(['rule']);
    expect(status).toBe(0);
  });

  it.each(['packets', 'bytes'])('sorts by the %s of the trace where the kernel has none', (key) => {
    const args = ['--sort', key, '--top', '3', '-o', 'json'];
    const flows = lines(listed('whole', ...args).stdout).map((line) => line.trace?.flow);
    const most = INSERTED.map(numberOf).sort((a, b) => b - a);
    expect(flows).toEqual(most.slice(0, 3));
  });
});

describe('entries that the trace does not know', () => {
  const [ENDED, STRANGER, MAPPED, REFUSED, FOLLOWED, NEWER, TORN, RIVAL] = INSERTED.map(
    ({ original }) => original.srcPort,
  ) as [number, number, number, number, number, number, number, number];
  const PORTS = [ENDED, STRANGER, MAPPED, REFUSED, FOLLOWED, NEWER, TORN, RIVAL];

  const REFUSAL: Row = { confirm: 'refused' };

  /** A second flow of a tuple, seen after the first, in a row before it. */
  const later = (port: number, given: Row): Row =>
    flowOf(numberOf(ofPort(port)) + 500, inode, ofPort(port), given);

  beforeAll(async () => {
    if (cannotRun !== undefined) return;
    await writeTrace(place('odd'), {
      flows: [
        ...[later(FOLLOWED, { end: 'expired' }), later(NEWER, {}), later(RIVAL, REFUSAL)],
        known(ofPort(ENDED), { end: 'deleted' }),
        known(ofPort(STRANGER), { netns: inode + 1 }),
        known(ofPort(MAPPED), { src_port_reply: 8888 }),
        known(ofPort(REFUSED), REFUSAL),
        known(ofPort(FOLLOWED)),
        known(ofPort(NEWER), { end: 'deleted' }),
        known(ofPort(TORN), { complete: false }),
        known(ofPort(RIVAL)),
      ],
    });
  });

  const number = (port: number): number => numberOf(ofPort(port));

  it.each([
    [
      'whose flow ended',
      ENDED,
      'flow 100 had this tuple and ended in it: the entry was made since',
    ],
    ['of another namespace', STRANGER, 'no flow in it has this tuple'],
    [
      'with another reply tuple',
      MAPPED,
      'flow 102 had this tuple with another mapping: the entry was made since',
    ],
    ['whose flow was refused', REFUSED, 'no flow in it has this tuple'],
    [
      'whose newest flow ended',
      FOLLOWED,
      'flow 604 had this tuple and ended in it: the entry was made since',
    ],
    [
      'about which records were lost',
      TORN,
      'unknown: records about flow 106 were lost or came too late',
    ],
  ])('%s', (_, port, why) => {
    expect(ofTcp('odd', port)).toEqual({ flow: null, why });
  });

  it('are not those of the newest flow, nor of one beside which another was refused', () => {
    expect(ofTcp('odd', NEWER)?.flow).toBe(number(NEWER) + 500);
    expect(ofTcp('odd', RIVAL)?.flow).toBe(number(RIVAL));
  });

  it('are listed all the same, and counted', () => {
    const { stdout, stderr } = listed('odd', '-p', 'tcp', '-s', '10.0.0.10', '-d', '10.8.2.12');
    const told = stdout.split('\n').filter((line) => line.startsWith('  trace: '));
    expect(told).toHaveLength(PORTS.length + 1);
    expect(told.filter((line) => line.startsWith('  trace: not known: '))).toHaveLength(
      PORTS.length - 1,
    );
    expect(stderr).toContain('\n9 entries, 2 known to the trace, which ended at ');
  });

  it('whose confirmation was not seen are not taken to be of a flow', async () => {
    await writeTrace(place('unseen'), {
      flows: [known(ofPort(ENDED), { confirm: 'unknown' }), known(ofPort(STRANGER))],
    });
    expect(ofTcp('unseen', ENDED)).toEqual({
      flow: null,
      why: 'unknown: what became of flow 100 at its confirmation was not seen',
    });
    expect(ofTcp('unseen', STRANGER)?.flow).toBe(number(STRANGER));
  });

  it('may be what was lost: all that were in the table by then', async () => {
    const [before, after] = [ofPort(ENDED), ofPort(STRANGER)];
    await writeTrace(place('lossy'), {
      flows: [
        known(before, { first_at: LOST_UNTIL - 1_000_000n }),
        known(after, { first_at: LOST_UNTIL + 1_000_000n }),
      ],
      isLossy: true,
    });
    expect(ofTcp('lossy', ENDED)).toEqual({
      flow: null,
      why: 'unknown: records were lost while flow 100 was in the table',
    });
    expect(ofTcp('lossy', STRANGER)?.flow).toBe(numberOf(after));
    const { stderr, status } = whole('lossy');
    expect(stderr).toMatch(
      /^3 of 44 records lost\n[^\n]*; what it does not know may be what was lost\n$/,
    );
    expect(status).toBe(3);
  });

  it('may be of a sample or a filter, or the trace has nothing of the namespace', async () => {
    const facts = { sample: 8, filter: 'udp' };
    const flows = [known(ofPort(ENDED), { netns: inode + 1 })];
    await writeTrace(place('partial'), { flows, facts });
    expect(listed('partial', '-p', 'tcp', '--sport', '5000').stderr).toContain(
      `1 entry, 0 known to the trace, which ended at ${ENDED_AT}; ` +
        'it has no flows of this network namespace; it took one of 8 flows; its filter was udp\n',
    );
  });
});

describe('entries whose beginning the kernel noted', () => {
  const { original, reply, ...rest } = ofPort(5000);
  const DATED: Inserted = {
    ...rest,
    ...{ original: { ...original, srcPort: 7777 }, reply: { ...reply, dstPort: 7777 } },
  };
  const SECOND = 1_000_000_000n;

  it.each<[string, bigint, Row, boolean]>([
    ['a flow that was confirmed at that time', 900_000_000n, {}, true],
    ['no flow that was confirmed before', -2n * SECOND, {}, false],
    ['no flow that was confirmed after', 2n * SECOND, {}, false],
    ['a flow that is older than the trace', 3600n * SECOND, { older: true }, true],
    ['no flow that was older before it began', -2n * SECOND, { older: true }, false],
  ])('are tied to %s', async (name, apart, given, isKnown) => {
    netns.run('sysctl', ['-qw', 'net.netfilter.nf_conntrack_timestamp=1']);
    netns.run('sh', ['-ec', `${insertArguments(DATED)} 2>&1`]);
    const select = ['-p', 'tcp', '--sport', '7777', '-o', 'json'];
    const [{ started_at }] = JSON.parse(`[${netns.table('list', ...select).stdout}]`);
    netns.run('sysctl', ['-qw', 'net.netfilter.nf_conntrack_timestamp=0']);
    const at = BigInt(started_at) + apart;
    const row = flowOf(77, inode, DATED, given);
    const dated = { ...row, first_at: at, confirmed_at: given.older ? null : at };
    const from = `dated ${name}`;
    await writeTrace(place(from), { flows: [dated] });
    const trace = ofTcp(from, 7777);
    netns.conntrack('-D', '-p', 'tcp', '--sport', '7777');
    const why = 'flow 77 had this tuple and began at another time: the entry was made since';
    expect(trace).toMatchObject(isKnown ? { flow: 77 } : { flow: null, why });
  });
});

describe('what table list --from refuses', () => {
  it.each([
    ['-o lines', 'lines as conntrack writes them'],
    ['-o extended,id', 'lines as conntrack writes them'],
    ['-o xml', 'xml'],
    ['-o save', 'save'],
  ])('%s, which has no room for it', (options, what) => {
    const { stdout, stderr, status } = listed('whole', ...options.split(' '));
    expect(stderr).toBe(
      `conntrail: found --from with ${what}, needed columns, json or --out\n` +
        '  try: conntrail table list --from trace -o json\n',
    );
    expect([stdout, status]).toEqual(['', 2]);
  });

  it('a trace of another boot or machine', () => {
    const { stdout, stderr, status } = listed('elsewhere');
    expect(stderr).toBe(
      `conntrail: ${place('elsewhere')} is of node/1, kernel 6.12.9-test, of another boot or machine, ` +
        'needed a trace of this boot\n  try: conntrail record --duration 5s --out trace\n',
    );
    expect([stdout, status]).toEqual(['', 1]);
  });

  it('a trace that does not say of which boot it is, but not the same that does', async () => {
    const reader = await CaptureReader.open('test/golden/local.capture');
    const copy = place('of-now.capture');
    const writer = await CaptureWriter.open(copy, { ...reader.facts, bootId: bootId()! });
    for await (const { bytes, horizonNs } of reader.chunks()) await writer.append(bytes, horizonNs);
    await writer.close(reader.end!);
    await reader.close();
    const old = netns.table('list', '--from', 'test/golden/local.capture');
    expect(old.stderr).toMatch(
      /^conntrail: test\/golden\/local\.capture is of \S+, kernel \S+, and does not say of which boot, needed a trace of this boot\n {2}try: [^\n]*\n$/,
    );
    expect([old.stdout, old.status]).toEqual(['', 1]);
    const own = netns.table('list', '--from', copy, '-p', 'tcp');
    expect(own.stderr).toContain('; it has no flows of this network namespace\n');
    expect(own.status).toBe(0);
  });

  it('a place where nothing is', () => {
    const { stderr, status } = listed('nowhere');
    expect(stderr).toContain(`${place('nowhere')} is not there, needed a dataset folder or a file`);
    expect(status).toBe(1);
  });
});
