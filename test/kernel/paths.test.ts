/**
 * The ways that a packet can take, one scenario for each, against the kernel's
 * own account: what holds for every scenario, then what is particular.
 * The kernels are those of matrix.ts.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openScenario, scenarioPath } from '../../src/lab/scenario-file.ts';
import { playScript, runInGuest } from './in-guest.ts';
import {
  byStart,
  checkAgainstKernel,
  isNeighbourMessage,
  ofNamespace,
  type Played,
  playedIn,
  sniffedText,
  wireText,
} from './kernel-checks.ts';
import { kernelsOf } from './matrix.ts';
import { inNamespace, type Row, readCaptureTrace, readTruth, tupleOf, wayOf } from './trace.ts';

const SCENARIOS = [
  'path-hairpin',
  'path-bridged',
  'path-vxlan',
  'path-vlan',
  'path-zones',
  'path-nat66',
  'path-fragments',
  'path-icmp-errors',
  'path-refused',
] as const;
type ScenarioName = (typeof SCENARIOS)[number];

describe.each(kernelsOf('paths.test.ts'))('kernel %s', (kernel) => {
  const played = new Map<ScenarioName, Played>();
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'conntrail-paths-'));
    const script = playScript(SCENARIOS, '$OUT');
    await runInGuest(script, { kernel, outDir: folder, timeoutSec: 1190 });
    const trace = await readCaptureTrace(join(folder, 'trace.capture'));
    for (const name of SCENARIOS) {
      played.set(name, { trace, truth: await readTruth(join(folder, name)) });
    }
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  const play = (name: ScenarioName) => playedIn(played, name);
  const at = (name: ScenarioName, namespace: string) => ofNamespace(play(name), namespace);
  const ways = (rows: readonly Row[]) => new Set(rows.map((row) => wayOf(row).join()));
  const states = (rows: readonly Row[]) =>
    new Set(rows.map((row) => `${row.state} ${row.direction}`));
  const startOf = (row: Row): bigint => row.started_ktime_ns as bigint;
  const port = (row: Row, ...ports: number[]) =>
    ports.includes(Number(row.src_port)) || ports.includes(Number(row.dst_port));

  describe.each(SCENARIOS)('%s, against the kernel', (name) => {
    checkAgainstKernel(() => play(name));

    it('has rules that counted what the scenario says', async () => {
      const { expect: known } = await openScenario(await scenarioPath(name));
      const counters = Object.values(play(name).truth.namespaces).map((there) => there.counters);
      expect(Object.assign({}, ...counters)).toMatchObject(known.counters as object);
    });
  });

  describe('several namespaces at once', () => {
    it('has a namespace in every row, and its name', () => {
      const { trace } = play('path-hairpin');
      const ours = SCENARIOS.flatMap((name) => Object.values(play(name).truth.namespaces));
      const named = new Map(ours.map(({ inode, name }) => [inode, name]));
      const met = new Set([...trace.packets, ...trace.flows].map((row) => Number(row.netns)));
      expect([...met].map((inode) => trace.facts.netnsNames[inode])).toEqual(
        [...met].map((inode) => named.get(inode)),
      );
      expect(met.size).toBeGreaterThan(SCENARIOS.length);
    });
  });

  describe('hairpin NAT', () => {
    it('rewrites both ends of every packet, both ways, on one interface', () => {
      const { packets, there } = at('path-hairpin', 'host');
      const bridge = there.interfaces.br0;
      expect(packets.length).toBeGreaterThan(10);
      for (const row of packets) {
        expect([row.in_ifindex, row.out_ifindex]).toEqual([bridge, bridge]);
        expect(row.src_after).not.toBe(row.src);
        expect(row.dst_after).not.toBe(row.dst);
      }
    });

    it('has nothing of what the bridge carried alone, though it was carried', () => {
      const { packets, there } = at('path-hairpin', 'host');
      expect(packets.filter((row) => port(row, 7001))).toEqual([]);
      expect(there.hooks!.prerouting.early['ipv4 udp']).toBe(packets.filter(isUdp).length);
      const sniffed = play('path-hairpin').truth.namespaces.two!.packets!;
      expect(sniffed.filter((line) => line.includes('.7001'))).toHaveLength(4);
    });

    it('shows to a container that asks itself a stranger', () => {
      const { packets } = at('path-hairpin', 'host');
      const own = packets.filter((row) => row.direction === 'original' && isUdp(row));
      expect(new Set(own.map((row) => `${row.src} ${row.src_after} ${row.dst_after}`))).toEqual(
        new Set(['10.0.3.2 10.0.3.1 10.0.3.2']),
      );
    });
  });

  const isUdp = (row: Row) => row.protocol === 17;

  describe('a bridge that asks netfilter', () => {
    const host = () => at('path-bridged', 'host');

    it('shows a bridged packet as forwarded, in and out by the bridge', () => {
      const { packets, there } = host();
      const bridged = packets.filter((row) => port(row, 7001) || row.protocol === 58);
      expect(bridged).toHaveLength(16);
      expect(ways(bridged)).toEqual(new Set(['prerouting,forward,postrouting']));
      const bridge = there.interfaces.br0;
      expect(new Set(bridged.map((row) => `${row.in_ifindex} ${row.out_ifindex}`))).toEqual(
        new Set([`${bridge} ${bridge}`]),
      );
    });

    it('shows what goes up to the host, or through it, as one packet with prerouting once', () => {
      const { packets } = host();
      const up = packets.filter((row) => port(row, 9100) && row.direction === 'original');
      const out = packets.filter((row) => port(row, 9000) && row.direction === 'original');
      const back = packets.filter((row) => port(row, 9200) && row.direction === 'reply');
      expect([up.length, out.length, back.length]).toEqual([3, 4, 2]);
      expect(ways([...up, ...back])).toEqual(new Set(['prerouting,input']));
      expect(ways(out)).toEqual(new Set(['prerouting,forward,postrouting']));
      expect(new Set([...up, ...out, ...back].map((row) => row.verdict))).toEqual(
        new Set(['accept']),
      );
    });

    it('decides at that one prerouting, and counts no chain twice', () => {
      const { packets, there } = host();
      const { published, 'to-itself': itself, asked } = there.counters;
      const ran = packets.filter((row) => row.family === 4 && row.prerouting_chains === true);
      expect(ran).toHaveLength(published! + itself! + asked!);
      expect(packets.filter((row) => row.dst_nat === 'rule')).toHaveLength(published! + itself!);
    });

    it('shows a drop between two containers', () => {
      const { packets, there } = host();
      const dropped = packets.filter((row) => row.verdict === 'drop');
      expect(dropped).toHaveLength(there.counters['no-bridging']!);
      expect(new Set(dropped.map((row) => `${row.last_hook} ${row.dst_port}`))).toEqual(
        new Set(['forward 7003']),
      );
    });

    it('has the addresses that tcpdump saw at the container', () => {
      const { packets } = host();
      const theirs = play('path-bridged').truth.namespaces.two!.packets!.map(sniffedText);
      const answers = packets.filter((row) => row.direction === 'reply' && row.src === '10.0.3.3');
      const seen = answers.map((row) => wireText(row, '')).sort();
      expect(seen).toEqual(theirs.filter((line) => line.startsWith('10.0.3.3.')).sort());
      expect(seen.length).toBeGreaterThan(10);
    });
  });

  describe('VXLAN', () => {
    it.each(['client', 'server'])('is two packets and two flows at the %s', (namespace) => {
      const { packets, flows } = at('path-vxlan', namespace);
      const isOuter = (row: Row) => isUdp(row) && row.dst_port === 4789;
      const outer = packets.filter(isOuter);
      const inner = packets.filter((row) => !isOuter(row));
      expect(outer).toHaveLength(inner.length);
      expect(outer.length).toBeGreaterThan(10);
      const sent = [...outer.filter((row) => row.output_at !== null)].sort(byStart);
      const within = [...inner.filter((row) => row.output_at !== null)].sort(byStart);
      expect(sent.map((row) => row.length)).toEqual(
        within.map((row) => Number(row.length) + OUTER_BYTES),
      );
      const flowsOf = (rows: readonly Row[]) => new Set(rows.map((row) => row.flow));
      expect(flows).toHaveLength(flowsOf(outer).size + flowsOf(inner).size);
    });

    it('has the inner redirect decided at the far end, and only there', () => {
      const decided = play('path-vxlan').trace.packets.filter(
        (row) => isUdp(row) && row.dst_port === 9500 && row.dst_nat === 'rule',
      );
      const { there } = at('path-vxlan', 'server');
      expect(decided).toHaveLength(there.counters['inner-redirect']!);
      expect(decided[0]?.netns).toBe(there.inode);
    });
  });

  /** IPv4, UDP, VXLAN and the inner Ethernet header. */
  const OUTER_BYTES = 20 + 8 + 8 + 14;

  describe('VLANs', () => {
    it('names the interfaces of the VLANs', () => {
      const { packets, there } = at('path-vlan', 'router');
      const { 'to-client.7': near, 'to-server.8': far } = there.interfaces;
      expect(
        new Set(packets.map((row) => `${row.direction} ${row.in_ifindex} ${row.out_ifindex}`)),
      ).toEqual(new Set([`original ${near} ${far}`, `reply ${far} ${near}`]));
    });
  });

  describe('zones', () => {
    it('keeps the same tuple apart, as the rules counted it', () => {
      const { flows, there } = at('path-zones', 'router');
      const { 'zone-11': eleven, 'zone-12': twelve } = there.counters;
      const own = flows.filter((row) => row.zone_direction === 'both');
      expect(new Set(own.map((row) => tupleOf(row)))).toEqual(
        new Set(['10.0.1.2:5001>203.0.113.2:9700']),
      );
      expect(new Map(own.map((row) => [row.zone, row.packets]))).toEqual(
        new Map([
          [11, BigInt(eleven!)],
          [12, BigInt(twelve!)],
        ]),
      );
    });

    it('says which direction a zone is for, and finds replies in the other', () => {
      const { flows, there } = at('path-zones', 'router');
      const { 'original-21': first, 'original-22': second } = there.counters;
      const half = flows.filter((row) => row.zone_direction === 'original');
      expect(new Set(half.map((row) => tupleOf(row))).size).toBe(1);
      expect(new Set(half.map((row) => tupleOf(row, '_reply'))).size).toBe(2);
      expect(new Map(half.map((row) => [row.zone, [row.packets, row.packets_reply]]))).toEqual(
        new Map([
          [21, [BigInt(first!), BigInt(first!)]],
          [22, [BigInt(second!), BigInt(second!)]],
        ]),
      );
    });
  });

  describe('NAT of IPv6', () => {
    it('maps a prefix and the source of each flow, once', () => {
      const { packets, there } = at('path-nat66', 'router');
      const decided = (manip: string) => packets.filter((row) => row[`${manip}_nat`] === 'rule');
      expect(decided('dst')).toHaveLength(there.counters.prefix!);
      expect(decided('src')).toHaveLength(there.counters.masquerade6!);
      expect(new Set(decided('dst').map((row) => `${row.dst} ${row.dst_after}`))).toEqual(
        new Set(['fd00:f::2 fd00:2::2']),
      );
    });

    it('has the addresses that tcpdump saw at the server', () => {
      const { packets, there } = at('path-nat66', 'router');
      const far = there.interfaces['to-server'];
      const ours = packets.flatMap((row) => [
        ...(row.in_ifindex === far ? [wireText(row, '')] : []),
        ...(row.out_ifindex === far ? [wireText(row, '_after')] : []),
      ]);
      const theirs = play('path-nat66').truth.namespaces.server!.packets!.map(sniffedText);
      expect(ours.sort()).toEqual(theirs.sort());
    });

    it('tracks link-local traffic, and no neighbour discovery', () => {
      const { flows, there } = at('path-nat66', 'router');
      const local = flows.filter((row) => String(row.src).startsWith('fe80:'));
      expect(local.map((row) => [row.packets, row.packets_reply])).toEqual([[5n, 5n]]);
      const messages = inNamespace(play('path-nat66').trace.packets, there).filter(
        isNeighbourMessage,
      );
      const [before, after] = [there.rules.start, there.rules.end].map((rules) =>
        Number(rules.find(({ comment }) => comment === 'neighbours')!.packets),
      );
      const kinds = [135, 136];
      const came = messages.filter(
        (row) => row.prerouting_at !== null && kinds.includes(Number(row.dst_port) >>> 8),
      );
      // A neighbour may be asked for once more after the counter was read for the last time.
      const { packets } = at('path-nat66', 'router');
      const last = packets.map(startOf).reduce((a, b) => (a > b ? a : b));
      const inTime = came.filter((row) => startOf(row) < last);
      expect(inTime.length).toBeLessThanOrEqual(after! - before!);
      expect(came.length).toBeGreaterThanOrEqual(after! - before!);
      expect(came.length).toBeGreaterThan(0);
      expect(messages.filter((row) => row.state !== 'untracked' || row.flow !== null)).toEqual([]);
    });
  });

  describe('fragments', () => {
    const router = () => at('path-fragments', 'router');

    it('end at prerouting but for one of each datagram, waiting for the others', () => {
      const { packets, there } = router();
      const { early } = there.hooks!.prerouting;
      const whole = there.hooks!.forward.early;
      const waiting = packets.filter((row) => row.verdict === 'stolen');
      expect(waiting).toHaveLength(
        early['ipv4 udp'] + early['ipv6 udp'] - whole['ipv4 udp'] - whole['ipv6 udp'],
      );
      expect(waiting.length).toBeGreaterThan(10);
      expect(
        new Set(waiting.map((row) => [row.last_hook, row.state, row.flow, row.drop_reason].join())),
      ).toEqual(new Set(['prerouting,none,,']));
    });

    it('become one packet with the ports, the length and the mapping of all', () => {
      const { packets, there } = router();
      const whole = packets.filter((row) => row.verdict === 'accept');
      expect(ways(whole)).toEqual(new Set(['prerouting,forward,postrouting']));
      expect(new Set(whole.map((row) => `${row.family} ${row.length}`))).toEqual(
        new Set([`4 ${20 + 8 + 3000}`, `6 ${40 + 8 + 4000}`]),
      );
      const flows = new Map(router().flows.map((row) => [row.flow, row]));
      for (const row of whole) {
        const suffix = row.direction === 'reply' ? '_reply' : '';
        expect(tupleOf(row)).toBe(tupleOf(flows.get(row.flow)!, suffix));
      }
      const { dnat4, dnat6 } = there.counters;
      expect(whole.filter((row) => row.dst_nat === 'rule')).toHaveLength(dnat4! + dnat6!);
    });

    it('are made anew behind the router, from the mapped addresses', () => {
      const { packets } = router();
      const sent = packets.filter(
        (row) => row.verdict === 'accept' && row.direction === 'original',
      );
      const seen = play('path-fragments').truth.namespaces.server!.packets!;
      const first = seen.filter((line) => /UDP, length (3000|4000)/.test(line)).map(firstFragment);
      const ours = sent.map((row) => wireText(row, '_after'));
      expect(first.filter((text) => ours.includes(text)).sort()).toEqual(ours.sort());
      const theirs = seen.filter((line) => /^IP6? (203.0.113.1|fd00:2::1)[ .]/.test(line));
      expect(theirs).toHaveLength(3 * sent.length);
    });
  });

  /** tcpdump names the ports of an IPv6 fragment apart: `a > b: frag (0|1448) 5001 > 56: UDP, length 4000`. */
  function firstFragment(line: string): string {
    const [, src, dst, srcPort, dstPort] =
      /^IP6 (\S+) > (\S+): frag \(0\|\d+\) (\d+) > (\d+): UDP/.exec(line) ?? [];
    return src === undefined ? sniffedText(line) : `${src}.${srcPort} > ${dst}.${dstPort}`;
  }

  describe('ICMP errors', () => {
    const router = () => at('path-icmp-errors', 'router');
    const errors = () =>
      router().packets.filter((row) => row.protocol === 1 || row.protocol === 58);

    it('are related replies of the flow that they complain about', () => {
      expect(states(errors())).toEqual(new Set(['related reply']));
      const { flows, there } = router();
      const { counters } = there;
      const names = ['unreachable', 'too-big', 'too-old'].flatMap((n) => [`${n}4`, `${n}6`]);
      expect(errors()).toHaveLength(names.reduce((sum, name) => sum + counters[name]!, 0));
      const byFlow = new Map(flows.map((row) => [row.flow, Number(row.src_port)]));
      const complaints = errors().map((row) => byFlow.get(row.flow));
      expect(complaints.sort()).toEqual([6001, 6001, 6002, 6002, 6002, 6003, 6003, 6004, 6004]);
    });

    it('leave from the address that was asked, quoting the packet as it was sent', () => {
      const { packets } = play('path-icmp-errors').truth.namespaces.client!;
      const quoting = packets!.filter((line) => /unreachable|too big|exceeded/.test(line));
      const ours = errors().map((row) => wireText(row, '_after'));
      expect(quoting.map(sniffedText).sort()).toEqual(ours.sort());
      expect(quoting.filter((line) => /port 53|for fd00/.test(line)).map(quoted)).toEqual(
        expect.arrayContaining(['10.0.1.1 udp port 5301', 'fd00:1::1 udp port 5307']),
      );
    });

    it('translate both ends of those that come from beyond the router', () => {
      const beyond = errors().filter((row) => row.prerouting_at !== null);
      expect(beyond).toHaveLength(5);
      expect(new Set(beyond.map((row) => `${row.src_nat} ${row.dst_nat}`))).toEqual(
        new Set(['mapping mapping']),
      );
      expect(ways(errors().filter((row) => row.prerouting_at === null))).toEqual(
        new Set(['output,postrouting']),
      );
    });

    it('show what the router gave up after prerouting had mapped it', () => {
      const given = router().packets.filter(
        (row) => row.drop_location !== null && row.last_hook === 'prerouting',
      );
      expect(given).toHaveLength(4);
      expect(given.map((row) => row.dst_after).sort()).toEqual([
        '203.0.113.2',
        '203.0.113.2',
        'fd00:2::2',
        'fd00:2::2',
      ]);
      expect(new Set(given.map((row) => `${row.dst_nat} ${row.drop_location}`))).toEqual(
        new Set(['mapping ip_forward', 'mapping ip6_forward']),
      );
    });
  });

  function quoted(line: string): string {
    return /(?:ICMP|port,) (\S+ udp port \d+)/.exec(line)?.[1] ?? '';
  }

  describe('policy drop and reject', () => {
    const router = () => at('path-refused', 'router');

    it('shows each refused packet with its hook', () => {
      const { packets, there } = router();
      const refused = packets.filter((row) => row.verdict === 'drop');
      const atHook = (hook: string) => refused.filter((row) => row.last_hook === hook).length;
      const { counters } = there;
      const sum = (...names: string[]) => names.reduce((all, name) => all + counters[name]!, 0);
      expect(atHook('forward')).toBe(
        sum('dropped-forward', 'reset-forward', 'unreachable-forward'),
      );
      expect(atHook('input')).toBe(sum('dropped-input', 'reset-input', 'prohibited-input'));
      const { packets: own, there: client } = at('path-refused', 'client');
      const kept = own.filter((row) => row.verdict === 'drop' && row.last_hook === 'output');
      expect(kept).toHaveLength(client.counters['dropped-output']!);
    });

    it('shows each answer as a packet of its own, within the hook of the refused one', () => {
      const { packets, there } = router();
      const answers = packets.filter((row) => row.output_at !== null);
      expect(answers).toHaveLength(there.counters.resets! + there.counters.errors!);
      expect(ways(answers)).toEqual(new Set(['output,postrouting']));
      expect(states(answers)).toEqual(new Set(['related reply']));
      for (const answer of answers) {
        const refused = packets.find((row) => row.flow === answer.flow && row.verdict === 'drop')!;
        const entered = refused[`${refused.last_hook}_at`] as bigint;
        const left = entered + BigInt(Number(refused[`${refused.last_hook}_ns`]));
        const began = answer.started_at as bigint;
        expect(began > entered && began < left).toBe(true);
      }
    });

    it('says that no flow of a refused packet came into the table', () => {
      const { flows, packets } = router();
      expect(new Set(flows.map((row) => `${row.confirm} ${row.end}`))).toEqual(
        new Set(['none never confirmed']),
      );
      expect(new Set(packets.map((row) => row.confirm))).toEqual(new Set(['none']));
    });

    it('gives each decision to the packet for which it was made', () => {
      const { packets, there } = router();
      const ruled = packets.filter((row) => row.dst_nat === 'rule' || row.src_nat === 'rule');
      expect(ruled).toHaveLength(there.counters['dnat-refused']!);
      expect(ruled.map((row) => [row.src_nat, row.dst_nat, row.last_hook])).toEqual([
        ['none', 'rule', 'forward'],
      ]);
      const answer = packets.find(
        (row) => row.flow === ruled[0]!.flow && row.direction === 'reply',
      )!;
      expect(tupleOf(answer, '_after')).toBe('10.0.1.1:9807>10.0.1.2:7107');
      expect(answer.src_nat).toBe('mapping');
      const refused = packets.filter((row) => row.verdict === 'drop');
      expect(new Set(refused.map((row) => row.src_nat))).toEqual(new Set(['none']));
    });
  });
});
