/**
 * Changes of state against the kernel's own account of them (`conntrack -E`,
 * `conntrack -L`) and tcpdump's times, on the kernels of matrix.ts.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { totalLost } from '../../src/model/ledger.ts';
import { runInGuest } from './in-guest.ts';
import { kernelsOf } from './matrix.ts';
import {
  changesIn,
  type EntryChanges,
  keyOf,
  type Sniffed,
  sniffedIn,
  statesListed,
} from './state-lines.ts';
import { type Row, readCaptureTrace, readTruth, type Trace } from './trace.ts';

describe.each(kernelsOf('states.test.ts'))('kernel %s', (release) => {
  /** Before 5.11 modules have no BTF: kprobes alone. */
  const BACKENDS = release === '5.10' ? ['kprobe'] : ['fentry', 'kprobe'];
  const ALL_RUNS = BACKENDS.flatMap((backend) => [
    { name: `packets-${backend}`, options: `--backend ${backend}` },
    { name: `flows-${backend}`, options: `--backend ${backend} --detail flows --states` },
  ]);
  /** `make test` plays each detail once, with another backend. */
  const RUNS = process.env.CONNTRAIL_KERNELS
    ? ALL_RUNS
    : [ALL_RUNS[0]!, ALL_RUNS[ALL_RUNS.length - 1]!];

  interface Played {
    readonly trace: Trace;
    /** Rows of `states` of the router's entries, by entry, in order. */
    readonly rows: ReadonlyMap<string, readonly Row[]>;
    readonly kernel: ReadonlyMap<string, EntryChanges>;
    readonly listed: ReadonlyMap<string, string>;
    readonly sniffed: readonly Sniffed[];
  }

  let folder: string;
  const played = new Map<string, Played>();

  const play = ({ name, options }: (typeof RUNS)[number]): string => `
conntrail lab --here --scenario test/kernel/states.yaml --truth --out $OUT/${name} -- \\
  ${options} --out $OUT/${name}/trace.capture -q || exit 1
cp /tmp/states.changes /tmp/states.packets $OUT/${name}/`;

  async function read(name: string): Promise<Played> {
    const at = join(folder, name);
    const trace = await readCaptureTrace(join(at, 'trace.capture'));
    const router = (await readTruth(at)).namespaces.router!;
    const rows = new Map<string, Row[]>();
    for (const row of trace.states) {
      if (row.netns !== router.inode) continue;
      rows.set(entryOf(row), [...(rows.get(entryOf(row)) ?? []), row]);
    }
    const kernel = changesIn(await readFile(join(at, 'states.changes'), 'utf8'));
    const sniffed = sniffedIn(await readFile(join(at, 'states.packets'), 'utf8'));
    return { trace, rows, kernel, listed: statesListed(router.conntrack), sniffed };
  }

  function entryOf(row: Row): string {
    const text = (name: string): string => String(row[name]);
    const number = (name: string): number => Number(row[name]);
    const [srcPort, dstPort] = [number('src_port'), number('dst_port')];
    return keyOf({
      protocol: number('protocol'),
      src: text('src'),
      dst: text('dst'),
      srcPort,
      dstPort,
    });
  }

  const after = (row: Row): string =>
    row.tcp_after === null ? String(row.reply_after) : `${row.tcp_after} ${row.reply_after}`;
  const before = (row: Row): string | null => {
    if (row.reply_before === null) return null;
    return row.tcp_before === null
      ? String(row.reply_before)
      : `${row.tcp_before} ${row.reply_before}`;
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'conntrail-states-'));
    await runInGuest(RUNS.map(play).join('\n'), {
      outDir: folder,
      kernel: release,
      timeoutSec: 1500,
    });
    for (const { name } of RUNS) played.set(name, await read(name));
  }, 1_800_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  describe.each(RUNS)('changes of state, $name', ({ name }) => {
    const of = (): Played => played.get(name)!;

    it('lost nothing, and saw every kind of end', () => {
      expect(totalLost(of().trace.end.ledger)).toBe(0);
      const ways = new Set([...of().rows.values()].map((rows) => rows.map(after).join(', ')));
      const closed = [...ways].filter((way) => way.endsWith('time_wait assured'));
      expect(closed.length, [...ways].join('\n')).toBeGreaterThan(0);
      expect([...ways]).toEqual(
        expect.arrayContaining([
          'unreplied',
          'unreplied, replied',
          'unreplied, replied, assured',
          'syn_sent unreplied',
          'syn_sent unreplied, close replied',
          'syn_sent unreplied, syn_sent2 replied',
          'syn_sent unreplied, syn_recv replied, established assured, close assured',
        ]),
      );
    });

    it('are those that the kernel reports of each entry, and no others', () => {
      const { rows, kernel } = of();
      expect([...rows.keys()].sort()).toEqual([...kernel.keys()].sort());
      for (const [key, { states, isDestroyed }] of kernel) {
        const ours = rows.get(key)!.map(after);
        // a RST before any reply: the entry is deleted within the packet, of which the kernel
        // says nothing but that (nf_conntrack_tcp_packet(), nf_conntrack_in())
        const isKilled = isDestroyed && ours.length === states.length + 1;
        expect(isKilled ? ours.slice(0, -1) : ours, key).toEqual(states);
        if (isKilled) expect(ours.at(-1), key).toBe('close replied');
      }
    });

    it('each begin where the one before ended', () => {
      for (const [key, rows] of of().rows) {
        const ends = rows.map(after);
        expect(rows.map(before), key).toEqual([null, ...ends.slice(0, -1)]);
        const times = rows.map((row) => row.ktime_ns as bigint);
        expect(times, key).toEqual([...times].sort((a, b) => (a < b ? -1 : 1)));
      }
    });

    it('end in the state that the conntrack table shows', () => {
      const { rows, listed, trace } = of();
      const flows = new Map(trace.flows.map((flow) => [flow.flow, flow]));
      let compared = 0;
      for (const [key, state] of listed) {
        const own = rows.get(key);
        if (own === undefined) continue;
        compared++;
        expect(after(own.at(-1)!), key).toBe(state);
        const flow = flows.get(own[0]!.flow!)!;
        const [word = ''] = state.split(' ');
        expect(flow.tcp_state, key).toBe(flow.protocol === 6 ? word : null);
        expect(flow.replied_at !== null, key).toBe(!state.endsWith('unreplied'));
        expect(flow.assured_at !== null, key).toBe(state.endsWith('assured'));
      }
      expect(compared).toBeGreaterThan(5);
    });

    it('took the time between the packets of the handshake, as tcpdump saw them', () => {
      const { trace, rows, sniffed } = of();
      const flows = trace.flows.filter(
        (flow) => flow.handshake_ns !== null && flow.dst_port === 8080,
      );
      expect(flows.length).toBe(2);
      for (const flow of flows) {
        const port = Number(flow.src_port);
        const own = sniffed.filter(({ ends }) => new RegExp(`\\.${port}\\b`).test(ends));
        const at = (flags: string, isIn: boolean): bigint =>
          own.find((one) => one.flags === flags && one.isIn === isIn)!.at;
        const least = at('.', true) - at('S', false);
        const most = at('.', false) - at('S', true);
        expect(flow.handshake_ns as bigint).toBeGreaterThan(least);
        expect(flow.handshake_ns as bigint).toBeLessThan(most);
        const [established] = rows
          .get(entryOf(flow))!
          .filter((row) => row.tcp_after === 'established');
        expect(established).toMatchObject({
          changed_at: flow.established_at,
          since_first_ns: flow.handshake_ns,
          direction: 'original',
        });
      }
    });
  });

  describe.each(RUNS.filter(({ name }) => name.startsWith('packets')))(
    'packets, $name',
    ({ name }) => {
      it('made each change, in their own direction, when they entered their first hook', () => {
        const { trace, rows } = played.get(name)!;
        const packets = new Map(trace.packets.map((packet) => [packet.packet, packet]));
        for (const row of [...rows.values()].flat()) {
          const { flow, direction, changed_at: started_at } = row;
          expect(packets.get(row.packet!)).toMatchObject({ flow, direction, started_at });
        }
      });
    },
  );
});
