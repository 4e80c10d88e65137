/**
 * Filters on a real kernel: several traces of one scenario at once, each with
 * another filter, against what nft counted and what is known to have been sent.
 * The kernels are those of matrix.ts.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { quoteCommand } from '../../src/lab/quote.ts';
import type { KernelTruth } from '../../src/lab/truth.ts';
import { totalLost } from '../../src/model/ledger.ts';
import { runInGuest } from './in-guest.ts';
import { kernelsOf } from './matrix.ts';
import {
  countAtHook,
  inNamespace,
  nonZero,
  type Row,
  readCaptureTrace,
  readTruth,
  type Trace,
} from './trace.ts';

/** Scenario plain-forward: 2 TCP flows, 3 UDP flows of 5 packets and as many replies, 8 pings. */
const FILTERS: Readonly<Record<string, readonly string[]>> = {
  nottcp: ['--filter', 'not tcp'],
  syn: ['--filter', 'tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn'],
  echo: ['--filter', 'icmp[icmptype] == icmp-echo and ip[8] < 255 and len > 20'],
  lists: ['--filter', 'portrange 8100-8101 and (host 203.0.113.2 or 192.0.2.1) and (tcp or udp)'],
  reply: ['--filter', 'udp', '--direction', 'reply', '--zone', '0', '--mark', '0/0xff'],
  fresh: ['--filter', 'icmp', '--new-only', '--state', 'new,related'],
  place: ['--filter', 'icmp', '--interface', 'nowhere,to-server', '--state', 'established'],
  hook: ['--filter', 'udp', '--hook', 'forward'],
  nothing: ['--mark', '7'],
};
const NAMES = Object.keys(FILTERS);

const SCRIPT = `
cd $OUT; modprobe nf_conntrack; modprobe nf_nat; modprobe nft_chain_nat; tracers=
${NAMES.map(
  (name) =>
    `conntrail record -q ${quoteCommand(FILTERS[name]!)} --out ${name}.capture --ready-file ${name}.ready &
tracers="$tracers $!"`,
).join('\n')}
for name in ${NAMES.join(' ')}; do
  for second in $(seq 150); do [ -e $name.ready ] && break; sleep 1; done
done
conntrail lab --here --scenario plain-forward --truth --out $OUT/all -- -q --out $OUT/all/trace.capture
echo $? > status
for tracer in $tracers; do kill -INT $tracer; wait $tracer || exit 1; done
exit $(cat status)`;

describe.each(kernelsOf('filters.test.ts'))('kernel %s', (kernel) => {
  let folder: string;
  let truth: KernelTruth;
  const traces = new Map<string, Trace>();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'conntrail-filters-'));
    await runInGuest(SCRIPT, { kernel, outDir: folder, memoryMiB: 3072, timeoutSec: 900 });
    truth = await readTruth(join(folder, 'all'));
    for (const name of NAMES)
      traces.set(name, await readCaptureTrace(join(folder, `${name}.capture`)));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  function atRouter(name: string): Record<string, number> {
    return countAtHook(traces.get(name)!.packets, truth.namespaces.router!, 'prerouting');
  }

  function routerFlows(name: string): Row[] {
    return inNamespace(traces.get(name)!.flows, truth.namespaces.router!);
  }

  describe('a filter', () => {
    it.each(NAMES)('loses nothing: %s', (name) => {
      expect(totalLost(traces.get(name)!.end.ledger)).toBe(0);
    });

    it('stands in the facts of the trace, in canonical form', () => {
      const texts = NAMES.map((name) => traces.get(name)!.facts.filter);
      expect(texts).toEqual([
        'not tcp',
        'tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn',
        'icmp[icmptype] == icmp-echo and ip[8] < 255 and len > 20',
        '(tcp or udp) and (host 203.0.113.2 or host 192.0.2.1) and portrange 8100-8101',
        'udp --mark 0x0/0xff --zone 0 --direction reply',
        'icmp --state new,related --new-only',
        'icmp --interface nowhere,to-server --state established',
        'udp --hook forward',
        '--mark 0x7',
      ]);
    });
  });

  describe('at the prerouting hook of the router', () => {
    it('has everything that an expression does not leave out', () => {
      const { 'ipv4 tcp': _, ...others } = nonZero(
        truth.namespaces.router!.hooks!.prerouting.early,
      );
      expect(others).toMatchObject({ 'ipv4 udp': 30, 'ipv4 icmp': 16 });
      expect(atRouter('nottcp')).toEqual(others);
    });

    it('has the packets that begin a connection, and their flows as new', () => {
      expect(atRouter('syn')).toEqual({ 'ipv4 tcp': 2 });
      expect(routerFlows('syn')).toHaveLength(2);
      expect(routerFlows('syn').filter((row) => row.older)).toEqual([]);
    });

    it('has what matches by type, time to live and length', () => {
      expect(atRouter('echo')).toEqual({ 'ipv4 icmp': 8 });
    });

    it('has both directions of flows on a list', () => {
      const { 'ipv4 tcp': tcp, 'ipv4 udp': udp } = truth.namespaces.router!.hooks!.prerouting.early;
      expect(atRouter('lists')).toEqual({ 'ipv4 tcp': tcp, 'ipv4 udp': udp });
      expect(routerFlows('lists')).toHaveLength(5);
    });

    it('has replies only', () => {
      expect(atRouter('reply')).toEqual({ 'ipv4 udp': 15 });
    });

    it('has what came before the first reply', () => {
      expect(atRouter('fresh')).toEqual({ 'ipv4 icmp': 1 });
    });

    it('has what came in by an interface, by its name', () => {
      expect(atRouter('place')).toEqual({ 'ipv4 icmp': 8 });
    });

    it('has the whole way of packets that passed the hook asked for, and no others', () => {
      const { packets } = traces.get('hook')!;
      const forwarded = countAtHook(packets, truth.namespaces.router!, 'forward');
      expect(forwarded).toEqual({ 'ipv4 udp': 30 });
      expect(atRouter('hook')).toEqual(forwarded);
      expect(packets.filter((row) => row.forward_at === null)).toEqual([]);
    });

    it('has nothing of a mark that no packet has', () => {
      expect(traces.get('nothing')!.packets).toEqual([]);
      expect(traces.get('nothing')!.flows).toEqual([]);
    });
  });
});
