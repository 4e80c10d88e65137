/**
 * Every scenario on a real kernel, each against what the kernel itself counted
 * in the same run: nft counters at every hook, `conntrack -L`, tcpdump. The
 * kernels are those of matrix.ts.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { playScript, runInGuest } from './in-guest.ts';
import {
  byStart,
  checkAgainstKernel,
  ofNamespace,
  type Played,
  playedIn,
  sniffedText,
  wireText,
} from './kernel-checks.ts';
import { kernelsOf } from './matrix.ts';
import { inNamespace, readCaptureTrace, readTruth, tupleOf, wayOf } from './trace.ts';

const SCENARIOS = [
  'dnat-masquerade',
  'redirect',
  'local-snat',
  'plain-forward',
  'forward-drop',
  'notrack',
  'invalid-tcp',
  'older-flow',
  'udp-race',
  'veth-crossing',
  'loopback',
] as const;
type ScenarioName = (typeof SCENARIOS)[number];

/** All in one guest, under one recording: each leaves the kernel's account. */
const SCRIPT = `
${playScript(SCENARIOS, '$OUT')}
bpftool prog show > $OUT/programs; echo "status $?" >> $OUT/programs
`;

/**
 * Who frees a packet that a rule of nft drops, and why: nft itself from 6.7 on,
 * before that the hook it stands in; reasons are given since 5.17.
 */
function freedBy(kernel: string): { readonly reason: string; readonly place: string } {
  const reason = kernel === '5.10' ? 'UNKNOWN' : 'NETFILTER_DROP';
  const isOlder = kernel === '5.10' || kernel === '6.1';
  return { reason, place: isOlder ? 'nf_hook_slow' : 'nft_do_chain' };
}

/** A column of `conntrack -S` over all CPUs. */
function sumOf(statistics: string, column: string): number {
  const found = [...statistics.matchAll(new RegExp(`${column}=(\\d+)`, 'g'))];
  return found.reduce((sum, [, count]) => sum + Number(count), 0);
}

describe.each(kernelsOf('scenarios.test.ts'))('kernel %s', (kernel) => {
  const played = new Map<ScenarioName, Played>();
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'conntrail-scenarios-'));
    await runInGuest(SCRIPT, { kernel, outDir: folder, timeoutSec: 1000 });
    const trace = await readCaptureTrace(join(folder, 'trace.capture'));
    for (const name of SCENARIOS) {
      played.set(name, { trace, truth: await readTruth(join(folder, name)) });
    }
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  const play = (name: ScenarioName) => playedIn(played, name);

  const at = (name: ScenarioName, namespace: string) => ofNamespace(play(name), namespace);

  describe.each(SCENARIOS)('%s, against the kernel', (name) =>
    checkAgainstKernel(() => play(name)),
  );

  describe('forwarded DNAT and masquerade', () => {
    it('decides each flow at its first packet by both chains, and maps all others', () => {
      const { packets, flows, there } = at('dnat-masquerade', 'router');
      expect(flows).toHaveLength(there.conntrack.length);
      expect(flows.map((flow) => [flow.src_nat, flow.dst_nat, flow.confirm])).toEqual(
        flows.map(() => ['rule', 'rule', 'inserted']),
      );
      for (const flow of flows) {
        const [first, ...later] = packets.filter((row) => row.flow === flow.flow).sort(byStart);
        expect([first?.src_nat, first?.dst_nat, first?.chain_runs, first?.state]).toEqual([
          'rule',
          'rule',
          2,
          'new',
        ]);
        expect(later.map((row) => [row.src_nat, row.dst_nat, row.chain_runs])).toEqual(
          later.map(() => ['mapping', 'mapping', 0]),
        );
        expect(new Set([first, ...later].map((row) => wayOf(row!).join()))).toEqual(
          new Set(['prerouting,forward,postrouting']),
        );
      }
    });

    it('has as many deciding packets as the rules of each chain counted', () => {
      const { packets, there } = at('dnat-masquerade', 'router');
      const ruled = (manip: string) =>
        packets.filter((row) => row[`${manip}_nat`] === 'rule').length;
      const { web4, names4, echo4, web6, names6, echo6, out4, out6 } = there.counters as Record<
        string,
        number
      >;
      expect(ruled('dst')).toBe(web4! + names4! + echo4! + web6! + names6! + echo6!);
      expect(ruled('src')).toBe(out4! + out6!);
    });

    it.each([
      ['client', 'to-client'],
      ['server', 'to-server'],
    ])('has the addresses that tcpdump saw at the %s', (namespace, device) => {
      const { trace, truth } = play('dnat-masquerade');
      const router = truth.namespaces.router!;
      const ifindex = router.interfaces[device];
      const ours = inNamespace(trace.packets, router).flatMap((row) => [
        ...(row.in_ifindex === ifindex ? [wireText(row, '')] : []),
        ...(row.out_ifindex === ifindex ? [wireText(row, '_after')] : []),
      ]);
      const theirs = truth.namespaces[namespace]!.packets!.map(sniffedText);
      expect(ours.filter((text) => !text.includes('ff02:')).sort()).toEqual(theirs.sort());
      expect(theirs.length).toBeGreaterThan(100);
    });
  });

  describe('REDIRECT to a local service', () => {
    it('takes requests to input and replies from output, the way of the classic puzzle', () => {
      const { packets } = at('redirect', 'router');
      const ways = (direction: string) =>
        new Set(
          packets.filter((row) => row.direction === direction).map((row) => wayOf(row).join()),
        );
      expect(ways('original')).toEqual(new Set(['prerouting,input']));
      expect(ways('reply')).toEqual(new Set(['output,postrouting']));
    });

    it('runs no nat chain at output and postrouting, where the nat counters stay at zero', () => {
      const { packets, there } = at('redirect', 'router');
      const {
        'nat-output': output,
        'nat-postrouting': postrouting,
        'filter-output-udp': udp,
        'filter-output-tcp': tcp,
      } = there.counters;
      expect([output, postrouting]).toEqual([0, 0]);
      const replies = packets.filter((row) => row.output_at !== null);
      expect(replies).toHaveLength(udp! + tcp!);
      expect(replies.filter((row) => row.output_chains || row.postrouting_chains)).toEqual([]);
      expect(new Set(replies.map((row) => row.src_nat))).toEqual(new Set(['mapping']));
    });

    it('runs the prerouting chain once per flow, as the rules counted', () => {
      const { packets, there } = at('redirect', 'router');
      const asked = packets.filter((row) => row.prerouting_chains === true);
      expect(asked).toHaveLength(there.counters['redirect-tcp']! + there.counters['redirect-udp']!);
    });
  });

  describe('started on the router', () => {
    it('passes output and postrouting, its source decided once per flow', () => {
      const { packets, flows } = at('local-snat', 'router');
      const ours = flows.filter((flow) => flow.src_nat === 'rule');
      expect(ours.length).toBeGreaterThan(0);
      for (const flow of ours) {
        const [first, ...later] = packets.filter((row) => row.flow === flow.flow).sort(byStart);
        expect(wayOf(first!)).toEqual(['output', 'postrouting']);
        expect(first!.src_nat).toBe('rule');
        expect(Number(first!.src_port_after)).toBeGreaterThanOrEqual(40_000); // as the rule says
        expect(Number(first!.src_port_after)).toBeLessThanOrEqual(40_999);
        expect(new Set(later.map((row) => row.chain_runs))).toEqual(new Set([0]));
      }
    });
  });

  describe('plain forwarding', () => {
    it('stores null mappings and changes nothing', () => {
      const { packets, flows } = at('plain-forward', 'router');
      expect(flows.length).toBeGreaterThan(0);
      expect(new Set(flows.map((flow) => `${flow.src_nat}/${flow.dst_nat}`))).toEqual(
        new Set(['null mapping/null mapping']),
      );
      expect(packets.filter((row) => tupleOf(row) !== tupleOf(row, '_after'))).toEqual([]);
      expect(
        packets.filter((row) => row.src_nat === 'mapping' || row.dst_nat === 'mapping'),
      ).toEqual([]);
    });
  });

  describe('dropped in the forward chain', () => {
    it('shows hook and reason, and a flow that was never confirmed', () => {
      const { packets, flows, there } = at('forward-drop', 'router');
      const dropped = packets.filter((row) => row.verdict === 'drop');
      const { 'drop-udp': udp, 'drop-tcp': tcp, 'drop-echo': echo } = there.counters;
      expect(dropped).toHaveLength(udp! + tcp! + echo!);
      const { reason, place } = freedBy(kernel);
      expect(
        new Set(dropped.map((row) => `${row.last_hook} ${row.drop_reason} ${row.confirm}`)),
      ).toEqual(new Set([`forward ${reason} none`]));
      expect(new Set(dropped.map((row) => row.drop_location))).toEqual(new Set([place]));
      expect(flows).toHaveLength(dropped.length);
      expect(new Set(flows.map((flow) => `${flow.confirm}/${flow.end}`))).toEqual(
        new Set(['none/never confirmed']),
      );
    });

    it('shows the DNAT decision that came to nothing', () => {
      const { packets, there } = at('forward-drop', 'router');
      const decided = packets.filter((row) => row.dst_nat === 'rule');
      expect(decided).toHaveLength(there.counters['dnat-dropped']!);
      expect(new Set(decided.map((row) => row.dst_port_after))).toEqual(new Set([9109]));
    });
  });

  describe('notrack', () => {
    it('shows untracked packets without flow or decision', () => {
      const { packets, there } = at('notrack', 'router');
      const untracked = packets.filter((row) => row.state === 'untracked');
      expect(untracked).toHaveLength(
        there.counters['notrack-there']! + there.counters['notrack-back']!,
      );
      expect(untracked.filter((row) => row.flow !== null || row.chain_runs !== 0)).toEqual([]);
      expect(there.counters['never-dnat']).toBe(0);
    });
  });

  describe('invalid TCP', () => {
    it('shows what conntrack refused, as the rules counted it', () => {
      const { packets, there } = at('invalid-tcp', 'router');
      const invalid = packets.filter((row) => row.state === 'invalid');
      const { 'impossible-flags': impossible, 'out-of-the-blue': blue } = there.counters;
      expect(invalid).toHaveLength(impossible! + blue!);
      expect(invalid.filter((row) => row.flow !== null || row.verdict !== 'drop')).toEqual([]);
      expect(packets.filter((row) => row.dst_nat === 'rule')).toHaveLength(there.counters.asked!);
    });
  });

  describe('a flow older than the rule', () => {
    it('is told apart from the younger ones, and no chain runs for it', () => {
      const { packets, flows, there } = at('older-flow', 'router');
      const [older, ...more] = flows.filter((flow) => flow.older === true);
      expect(more).toEqual([]);
      expect(older).toMatchObject({
        src_port: 9410,
        src_nat: 'null mapping',
        dst_nat: 'null mapping',
        chain_packets: 0n,
      });
      const its = packets.filter((row) => row.flow === older!.flow);
      expect(its.length).toBeGreaterThan(0);
      expect(its.filter((row) => row.chain_runs !== 0)).toEqual([]);
      const younger = flows.filter((flow) => flow.older === false && flow.protocol === 17);
      expect(younger).toHaveLength(there.counters['late-dnat']!);
      expect(new Set(younger.map((flow) => `${flow.src_nat}/${flow.dst_nat}`))).toEqual(
        new Set(['rule/rule']),
      );
    });
  });

  describe('request and reply racing', () => {
    it('shows one traversal per packet, never glued, never torn', () => {
      const { packets, there } = at('udp-race', 'router');
      const sent = there.hooks!.prerouting.early['ipv4 udp'];
      const races = packets.filter((row) => row.protocol === 17);
      expect(races).toHaveLength(sent);
      const ways = new Set(races.map((row) => wayOf(row).join()));
      expect(ways).toContain('prerouting,forward,postrouting');
    });

    it('shows the clashes that the kernel counted', () => {
      const { flows, there } = at('udp-race', 'router');
      const clashes = sumOf(there.statistics, 'clash_resolve');
      const failed = sumOf(there.statistics, 'insert_failed');
      const merged = flows.filter((flow) => flow.confirm === 'merged').length;
      const refused = flows.filter((flow) => flow.confirm === 'refused').length;
      expect(clashes + failed).toBeGreaterThan(0);
      expect({ refused }).toEqual({ refused: failed });
      expect(merged).toBeLessThanOrEqual(clashes);
    });
  });

  describe('one packet through three namespaces', () => {
    it('is a packet of its own in each, with a flow of its own', () => {
      for (const namespace of ['client', 'router', 'server']) {
        const { packets, flows, there } = at('veth-crossing', namespace);
        expect(flows).toHaveLength(there.conntrack.length);
        expect(packets.filter((row) => row.flow === null)).toEqual([]);
      }
      const ways = (namespace: string, direction: string) =>
        new Set(
          at('veth-crossing', namespace)
            .packets.filter((row) => row.direction === direction)
            .map((row) => wayOf(row).join()),
        );
      expect(ways('client', 'original')).toEqual(new Set(['output,postrouting']));
      expect(ways('router', 'original')).toEqual(new Set(['prerouting,forward,postrouting']));
      expect(ways('server', 'original')).toEqual(new Set(['prerouting,input']));
      expect(ways('client', 'reply')).toEqual(new Set(['prerouting,input']));
    });
  });

  describe('loopback', () => {
    it('is one packet with four visits', () => {
      const { packets, there } = at('loopback', 'host');
      expect(new Set(packets.map((row) => wayOf(row).join()))).toEqual(
        new Set(['output,postrouting,prerouting,input']),
      );
      expect(there.counters['nat-prerouting']).toBe(0);
      expect(packets.filter((row) => row.prerouting_chains === true)).toEqual([]);
      expect(packets.filter((row) => row.dst_nat === 'rule')).toHaveLength(
        there.counters['loop-dnat']!,
      );
    });
  });

  describe('after the last trace', () => {
    it('leaves no probe behind', async () => {
      const programs = await readFile(join(folder, 'programs'), 'utf8');
      expect(programs).toMatch(/^status 0$/m);
      expect(programs.split('\n').filter((line) => /kprobe|tracepoint|tracing/.test(line))).toEqual(
        [],
      );
    });
  });
});
