/**
 * Protocols and targets that take packets other ways, on a real kernel, each
 * against what the kernel itself counted in the same run. The kernels are those
 * of matrix.ts.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NamespaceTruth } from '../../src/lab/truth.ts';
import { HOOKS } from '../../src/model/codes.ts';
import { imbalance, totalLost } from '../../src/model/ledger.ts';
import { entryText, flowText, listedFlows } from './entries.ts';
import { playScript, runInGuest } from './in-guest.ts';
import { kernelsOf } from './matrix.ts';
import {
  countAtHook,
  inNamespace,
  nonZero,
  type Row,
  readCaptureTrace,
  readTruth,
  type Trace,
  tupleOf,
  wayOf,
} from './trace.ts';

const SCENARIOS = ['queued', 'ftp', 'pptp', 'super-packets', 'offloaded', 'balanced'] as const;
type ScenarioName = (typeof SCENARIOS)[number];

describe.each(kernelsOf('protocols.test.ts'))('kernel %s', (kernel) => {
  /** A map of the kernel can be walked since 5.13. */
  const TELLS_QUEUED = kernel !== '5.10';

  /** Probes are attached once, at the start: what is to be seen is loaded before. */
  const MODULES = 'nfnetlink_queue nf_conntrack nf_nat nft_chain_nat ip_vs ip_vs_rr nf_flow_table';

  let folder: string;
  let trace: Trace;
  const routers = new Map<ScenarioName, NamespaceTruth>();
  const servers = new Map<ScenarioName, NamespaceTruth>();
  const clients = new Map<ScenarioName, NamespaceTruth>();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'conntrail-protocols-'));
    const script = `modprobe -a ${MODULES}\n${playScript(SCENARIOS, '$OUT')}`;
    await runInGuest(script, { kernel: kernel, outDir: folder, timeoutSec: 1000 });
    trace = await readCaptureTrace(join(folder, 'trace.capture'));
    for (const name of SCENARIOS) {
      const { namespaces } = await readTruth(join(folder, name));
      routers.set(name, namespaces.router!);
      servers.set(name, namespaces.server!);
      clients.set(name, namespaces.client!);
    }
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** The router's rows and truth, neighbour discovery left out. */
  function at(name: ScenarioName) {
    const there = routers.get(name)!;
    const isDiscovery = (row: Row) => row.protocol === 58;
    return {
      there,
      counters: there.counters as Readonly<Record<string, number>>,
      packets: inNamespace(trace.packets, there).filter((row) => !isDiscovery(row)),
      flows: inNamespace(trace.flows, there),
    };
  }

  function sum(rows: readonly Row[], column: string): number {
    return rows.reduce((total, row) => total + Number(row[column]), 0);
  }

  function waysOf(rows: readonly Row[]): string[] {
    return [...new Set(rows.map((row) => wayOf(row).join()))].sort();
  }

  it('lost nothing, and the ledger balances to the record', () => {
    const { ledger } = trace.end;
    expect(totalLost(ledger)).toBe(0);
    expect(ledger.rows.filter((row) => imbalance(row) !== 0)).toEqual([]);
  });

  const COUNTED = ['queued', 'ftp', 'pptp', 'offloaded', 'balanced'] as const;
  describe.each(COUNTED)('%s, against the kernel', (name) => {
    it('has the packets that nft counted before conntrack, hook by hook', () => {
      const { there, counters } = at(name);
      for (const hook of HOOKS) {
        const early = nonZero(there.hooks![hook].early);
        const ours = countAtHook(trace.packets, there, hook);
        const isHeld = (ours['ipv4 udp'] ?? 0) > 0 && (hook === 'prerouting' || hook === 'forward');
        if (name === 'queued' && isHeld && !TELLS_QUEUED) ours['ipv4 udp']! += counters.held!;
        expect({ hook, ...ours }).toEqual({ hook, ...early });
      }
    });

    it('has the flows of conntrack -L, entry for entry', () => {
      const { there, flows } = at(name);
      const listed = listedFlows(flows, there.conntrack);
      expect(listed.map(flowText).sort()).toEqual(there.conntrack.map(entryText).sort());
    });
  });

  describe('queued', () => {
    const to = (port: number) => at('queued').packets.filter((row) => row.dst_port === port);

    it.each([
      ['at-prerouting', 7101, 'prerouting', 'prerouting,forward,postrouting'],
      ['at-forward', 7102, 'forward', 'prerouting,forward,postrouting'],
      ['at-postrouting', 7108, 'postrouting', 'prerouting,forward,postrouting'],
      ['at-input', 7109, 'input', 'prerouting,input'],
      ['at-output', 7110, 'output', 'output,postrouting'],
    ])(
      '%s: a packet goes on in its own row, however long it waited',
      (comment, port, hook, way) => {
        const rows = to(port);
        expect(rows).toHaveLength(at('queued').counters[comment]!);
        expect(waysOf(rows)).toEqual([way]);
        for (const row of rows) {
          expect(row).toMatchObject({ queued_hook: hook, verdict: 'accept', complete: true });
          expect(Number(row[`${hook}_ns`])).toBeGreaterThanOrEqual(30_000_000); // the reader's pause
        }
      },
    );

    it('decides NAT after the wait as it would have without', () => {
      const { counters } = at('queued');
      const decided = to(7101).filter((row) => row.dst_nat === 'rule');
      expect(decided).toHaveLength(counters['dnat-queued']!);
      expect(new Set(to(7101).map((row) => row.dst_port_after))).toEqual(new Set([7201]));
      expect(new Set(to(7108).map((row) => row.src_after))).toEqual(new Set(['203.0.113.1']));
    });

    it('shows what user space refused as dropped at that hook', () => {
      const rows = to(7103);
      expect(rows).toHaveLength(at('queued').counters.refused!);
      for (const row of rows) {
        expect(row).toMatchObject({
          queued_hook: 'forward',
          last_hook: 'forward',
          verdict: 'drop',
        });
        expect(row.drop_location).toMatch(/reinject/);
      }
    });

    it('shows what a later rule of the same hook dropped as dropped there', () => {
      const rows = to(7107);
      expect(rows).toHaveLength(at('queued').counters.drops!);
      for (const row of rows) {
        expect(row).toMatchObject({
          queued_hook: 'forward',
          last_hook: 'forward',
          verdict: 'drop',
        });
      }
    });

    it('shows what nobody took as dropped, and what may go on without as never queued', () => {
      const { counters } = at('queued');
      const [refused, passed] = [to(7106), to(7105)];
      expect(refused).toHaveLength(counters['nobody-listens']!);
      expect(new Set(refused.map((row) => row.verdict))).toEqual(new Set(['drop']));
      expect(passed).toHaveLength(counters.bypassed!);
      expect(passed.map((row) => [row.queued_hook, row.verdict])).toEqual(
        passed.map(() => [null, 'accept']),
      );
    });

    it('shows what still waits with the verdict queue, where the kernel can be asked for it', () => {
      const rows = to(7104);
      expect(rows).toHaveLength(TELLS_QUEUED ? at('queued').counters.held! : 0);
      for (const row of rows) {
        expect(row).toMatchObject({
          queued_hook: 'forward',
          verdict: 'queue',
          last_hook: 'forward',
        });
      }
    });
  });

  describe('ftp', () => {
    /** By the port of the data flow: the original tuple of the control flow, as conntrack expected it. */
    async function expected(): Promise<Map<number, string>> {
      const text = await readFile(join(folder, 'expected'), 'utf8');
      const lines = text.split('\n').filter((line) => line.includes('helper=ftp'));
      const words = (line: string, name: string) =>
        [...line.matchAll(new RegExp(`(?<= )${name}=(\\S+)`, 'g'))].map((match) => match[1] ?? '');
      const port = (line: string, name: string) => words(line, name).at(-1); // the last ones are the master's
      return new Map(
        lines.map((line) => [
          Number(words(line, 'dport')[0]),
          `${words(line, 'master-src')[0]}:${port(line, 'sport')}>${words(line, 'master-dst')[0]}:${port(line, 'dport')}`,
        ]),
      );
    }

    it('names for each data flow the control flow that conntrack says expected it', async () => {
      const { flows } = at('ftp');
      const parents = await expected();
      expect(parents.size).toBe(3);
      const data = flows.filter((row) => row.parent !== null);
      const found = data.map((row) => {
        const parent = flows.find(({ flow }) => flow === row.parent)!;
        return [Number(row.dst_port), tupleOf(parent)] as const;
      });
      expect(new Map(found)).toEqual(parents);
      expect(data.every((row) => (Number(row.status) & 1) === 1)).toBe(true);
    });

    it('names none for flows that nobody expected', () => {
      const others = at('ftp').flows.filter((row) => (Number(row.status) & 1) === 0);
      expect(others.length).toBeGreaterThanOrEqual(3);
      expect(others.filter((row) => row.parent !== null)).toEqual([]);
    });

    it('shows the packets as related that the rules matched as such', () => {
      const { packets, counters } = at('ftp');
      const related = packets.filter((row) => row.state === 'related');
      expect(related).toHaveLength(counters.related!);
      expect(counters.related).toBe(3); // the first one of each data flow
    });
  });

  describe('pptp', () => {
    /** The client's number of the call, and that which NAT gave it: the port of the control flow. */
    const CALLS = [
      { own: 4386, given: 5201, packets: 3n, replies: 2n },
      { own: 13_124, given: 5202, packets: 1n, replies: 5n },
    ];
    const gre = (rows: readonly Row[]) => rows.filter((row) => row.protocol === 47);
    /** What tcpdump says of GRE: `IP a > b: GREv1, call 5201, ...`. */
    const onTheWire = (end: NamespaceTruth) =>
      end
        .packets!.map((line) => /^IP (\S+ > \S+): GREv1, call (\d+),/.exec(line))
        .flatMap((match) => (match === null ? [] : `${match[1]} ${match[2]}`));

    it('ties each call to the control flow that its helper read', () => {
      const { flows } = at('pptp');
      const calls = gre(flows).map((row) => {
        const parent = flows.find(({ flow }) => flow === row.parent)!;
        return [parent.src_port, parent.dst_port_reply, row.packets, row.packets_reply];
      });
      const known = CALLS.map(({ given, packets, replies }) => [given, given, packets, replies]);
      expect(calls.sort()).toEqual(known);
    });

    it('shows what a call sends before its first reply as related, as the rules did', () => {
      const { packets, counters } = at('pptp');
      const related = gre(packets).filter((row) => row.state === 'related');
      expect(related).toHaveLength(counters.related!);
      expect(related).toHaveLength(3 + 1);
      expect(gre(packets)).toHaveLength(counters['forwarded-gre']!);
    });

    it('knows the number of the call before NAT and after, as tcpdump saw it at both ends', () => {
      const packets = gre(at('pptp').packets);
      const replies = packets.filter((row) => row.direction === 'reply');
      const came = packets.map((row) => `${row.src} > ${row.dst} ${row.dst_port}`);
      const left = packets.map(
        (row) => `${row.src_after} > ${row.dst_after} ${row.dst_port_after}`,
      );
      const wire = [...onTheWire(clients.get('pptp')!), ...onTheWire(servers.get('pptp')!)];
      expect(wire).toHaveLength(2 * packets.length);
      expect([...came, ...left].sort()).toEqual(wire.sort());
      const changed = replies.map((row) => `${row.dst_port} ${row.dst_port_after}`);
      const known = CALLS.map(({ own, given }) => `${given} ${own}`);
      expect(new Set(changed)).toEqual(new Set(known));
    });
  });

  describe('super-packets', () => {
    it('have as many segments as the server saw on the wire, and the length of all', () => {
      const { packets } = at('super-packets');
      const there = packets.filter((row) => row.dst_port === 7301);
      const lines = servers.get('super-packets')!.packets!;
      const seen = lines.filter((line) => /> 203\.0\.113\.2\.7301: tcp/.test(line));
      expect(sum(there, 'segments')).toBe(seen.length);
      expect(there.length).toBeLessThan(seen.length);
      const payload = seen.reduce((total, line) => total + Number(/ tcp (\d+)$/.exec(line)![1]), 0);
      expect(payload).toBeGreaterThanOrEqual(100_000);
      // 20 bytes of IPv4, 20 of TCP, 12 of its timestamps; of the SYN 8 more
      expect(sum(there, 'length')).toBe(payload + there.length * 52 + 8);
      const long = there.filter((row) => Number(row.segments) > 1);
      expect(long.length).toBeGreaterThan(0);
      expect(long.filter((row) => Number(row.length) <= 1500)).toEqual([]);
    });

    it('count as one packet each, as conntrack counts them', () => {
      const { there, flows } = at('super-packets');
      const line = there.conntrack.find((text) => text.includes('dport=7301'))!;
      const counts = [...line.matchAll(/packets=(\d+) bytes=(\d+)/g)].map((match) =>
        match.slice(1).map(Number),
      );
      const flow = flows.find((row) => row.dst_port === 7301)!;
      expect([
        [Number(flow.packets), Number(flow.bytes)],
        [Number(flow.packets_reply), Number(flow.bytes_reply)],
      ]).toEqual(counts);
    });

    it('are told apart from plain packets', () => {
      const plain = at('super-packets').packets.filter((row) => row.dst_port === 7302);
      expect(plain.map((row) => row.segments)).toEqual([1, 1]);
    });
  });

  describe('offloaded', () => {
    it('shows the packets that met the hooks, and says that the rest did not', () => {
      const { there, flows, packets } = at('offloaded');
      const offloaded = flows.filter((row) => row.dst_port_reply !== 0 && row.dst_port === 7401);
      expect(offloaded).toHaveLength(2);
      const sent = 9;
      for (const flow of offloaded) {
        expect(Number(flow.status) & (1 << 14)).not.toBe(0); // IPS_OFFLOAD
        expect(Number(flow.packets) + Number(flow.packets_reply)).toBeLessThan(2 * sent);
      }
      const seen = packets.filter((row) => row.protocol === 17 && row.dst_port === 7401);
      expect(seen).toHaveLength(sum(offloaded, 'packets'));
      const names = servers
        .get('offloaded')!
        .packets!.filter((line) => / > \S+\.7402: UDP/.test(line));
      expect(names).toHaveLength(2 * sent); // all arrived
      const lines = there.conntrack.filter((line) => line.includes('dport=7401'));
      const counted = lines.map((line) =>
        [...line.matchAll(/packets=(\d+)/g)].map(([, n]) => Number(n)),
      );
      expect(counted).toEqual([
        [sent, sent],
        [sent, sent],
      ]);
    });

    it('counts a flow that is not offloaded as conntrack does', () => {
      const flow = at('offloaded').flows.find((row) => row.dst_port === 7403)!;
      expect([flow.packets, flow.packets_reply]).toEqual([5n, 5n]);
      expect(Number(flow.status) & (1 << 14)).toBe(0);
    });
  });

  describe('balanced', () => {
    it('has one row for a request on its whole way, and shows what IPVS made of it', () => {
      const { packets } = at('balanced');
      for (const [port, real] of [
        [8300, 83],
        [8301, 84],
      ] as const) {
        const asked = packets.filter((row) => row.dst_port === port);
        expect(waysOf(asked)).toEqual(['prerouting,input,output,postrouting']);
        for (const row of asked) {
          expect(row).toMatchObject({ dst: '10.0.1.1', dst_after: '203.0.113.2', complete: true });
          expect(row).toMatchObject({ dst_port_after: real, input_rewritten: true });
        }
        const answers = packets.filter((row) => row.src_port === real);
        expect(waysOf(answers)).toEqual(['prerouting,forward,postrouting']);
        for (const row of answers) {
          expect(row).toMatchObject({ src: '203.0.113.2', src_after: '10.0.1.1', complete: true });
        }
      }
    });

    it.each([8300, 8301])('has the packets of port %i that the rules counted', (port) => {
      const { packets, counters } = at('balanced');
      const asked = packets.filter((row) => row.dst_port === port);
      const answers = packets.filter((row) => row.src_port_after === port);
      expect([asked.length, answers.length]).toEqual([
        counters[`sent-on-${port}`],
        counters[`answers-${port}`],
      ]);
    });
  });
});
