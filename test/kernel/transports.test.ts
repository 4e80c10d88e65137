/**
 * Protocols beside TCP, UDP and ICMP, and rules that answer, take or copy
 * packets, on a real kernel, each against what the kernel itself counted in the
 * same run. The kernels are those of matrix.ts.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openScenario, scenarioPath } from '../../src/lab/scenario-file.ts';
import type { NamespaceTruth } from '../../src/lab/truth.ts';
import { HOOKS, type HookName, protocolName } from '../../src/model/codes.ts';
import { imbalance, totalLost } from '../../src/model/ledger.ts';
import { isConfirmed } from './entries.ts';
import { playScript, runInGuest } from './in-guest.ts';
import { byStart, checkAgainstKernel, ofNamespace, type Played } from './kernel-checks.ts';
import { kernelsOf } from './matrix.ts';
import {
  countAtHook,
  nonZero,
  type Row,
  readCaptureTrace,
  readTruth,
  tupleOf,
  wayOf,
} from './trace.ts';

const ALIKE = ['udplite', 'sctp', 'gre', 'tproxy', 'clone', 'dccp'] as const;
type Transport = (typeof ALIKE)[number] | 'synproxy';

/** What a kernel does not have, and its own words where it is asked for that. */
const ABSENT: Readonly<Record<string, Partial<Record<Transport, RegExp>>>> = {
  '7': { udplite: /Protocol not supported/, dccp: /dccp_ipv4 not found/ },
};

/** Each says nothing where the kernel has it. */
const QUESTIONS = `
socat -u OPEN:/dev/null UDP4-SENDTO:127.0.0.1:9,protocol=136 2> "$OUT/asked-udplite"
modprobe dccp_ipv4 2> "$OUT/asked-dccp"
true`;

/** Probes are attached once, at the start: what is to be seen is loaded before. */
const MODULES =
  'nf_conntrack nf_nat nft_chain_nat nft_masq nft_redir nf_synproxy_core nft_synproxy nft_tproxy nf_dup_ipv4 sctp ip_gre';

const scenarioOf = (name: Transport) => `transport-${name}`;
const startOf = (row: Row) => row.started_at as bigint;
const ends = (row: Row, suffix = '') => `${row[`src${suffix}`]} > ${row[`dst${suffix}`]}`;
const ways = (rows: readonly Row[]) => new Set(rows.map((row) => wayOf(row).join()));
const outcomes = (rows: readonly Row[]) =>
  new Set(rows.map((row) => `${row.state} ${row.direction} ${row.verdict}`));
const port = (rows: readonly Row[], wanted: number) =>
  rows.filter((row) => row.src_port === wanted || row.dst_port === wanted);

/** Entered the next hook; or left the last one. */
function leftAt(row: Row, hook: HookName): bigint {
  const way = wayOf(row);
  const next = way[way.indexOf(hook) + 1];
  if (next !== undefined) return row[`${next}_at`] as bigint;
  return (row[`${hook}_at`] as bigint) + BigInt(Number(row[`${hook}_ns`]));
}

/** A trace of several scenarios, with the rows of one. */
function onlyOf({ trace, truth }: Played): Played {
  const inodes = new Set(Object.values(truth.namespaces).map(({ inode }) => inode));
  const isThere = (row: Row) => inodes.has(Number(row.netns));
  const [packets, flows] = [trace.packets.filter(isThere), trace.flows.filter(isThere)];
  return { truth, trace: { ...trace, packets, flows } };
}

/** Of entries and rows alike: packets and bytes of both directions. */
function countsOf(there: NamespaceTruth): string[] {
  const text = ({ packets, bytes }: { packets: number; bytes: number }) => `${packets} ${bytes}`;
  return there.flows!.map(({ original, reply }) => `${text(original)} ${text(reply)}`).sort();
}

function rowCounts(flows: readonly Row[]): string[] {
  return flows
    .filter((row) => isConfirmed(row))
    .map((row) => `${row.packets} ${row.bytes} ${row.packets_reply} ${row.bytes_reply}`)
    .sort();
}

describe.each(kernelsOf('transports.test.ts'))('kernel %s', (kernel) => {
  const absent = ABSENT[kernel] ?? {};
  const here = ALIKE.filter((name) => absent[name] === undefined);
  const played = new Map<string, Played>();
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'conntrail-transports-'));
    const all = [...here, 'synproxy' as const].map(scenarioOf);
    const visits = playScript([scenarioOf('synproxy')], '$OUT/visits', '--detail visits');
    const script = `modprobe -a ${MODULES}\n${QUESTIONS}\n${playScript(all, '$OUT')}\nmkdir -p $OUT/visits\n${visits}`;
    await runInGuest(script, { kernel, outDir: folder, timeoutSec: 1190 });
    const trace = await readCaptureTrace(join(folder, 'trace.capture'));
    for (const name of all) {
      played.set(name, onlyOf({ trace, truth: await readTruth(join(folder, name)) }));
    }
    // of one scenario alone the truth has no folder of its own
    played.set(`visits${scenarioOf('synproxy')}`, {
      trace: await readCaptureTrace(join(folder, 'visits/trace.capture')),
      truth: await readTruth(join(folder, 'visits')),
    });
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  function play(name: Transport, detail = ''): Played {
    const found = played.get(detail + scenarioOf(name));
    if (found === undefined) throw new Error(`${name} was not played`);
    return found;
  }

  function router(name: Transport, detail = '') {
    const { there, flows, packets } = ofNamespace(play(name, detail), 'router');
    return { there, flows, packets, counters: there.counters as Readonly<Record<string, number>> };
  }

  async function hasRulesAsWritten(name: Transport, detail = ''): Promise<void> {
    const { expect: known } = await openScenario(await scenarioPath(scenarioOf(name)));
    expect(router(name, detail).counters).toMatchObject(known.counters as object);
  }

  it.each(['udplite', 'dccp'] as const)('%s: the kernel says whether it is there', async (name) => {
    const said = await readFile(join(folder, `asked-${name}`), 'utf8');
    if (absent[name] === undefined) expect(said).toBe('');
    else expect(said).toMatch(absent[name]);
  });

  describe.each(here)('%s, against the kernel', (name) => {
    checkAgainstKernel(() => play(name));

    it('counts packets and bytes of each flow and direction as nft did', () => {
      const { there, flows } = router(name);
      expect(there.flows!.length).toBeGreaterThan(0);
      expect(rowCounts(flows)).toEqual(countsOf(there));
    });

    it('has rules that counted what the scenario says', () => hasRulesAsWritten(name));
  });

  const MAPPED = here.filter((name) => !['tproxy', 'clone'].includes(name));
  describe.each(MAPPED)('%s, mapped', (name) => {
    const number = { udplite: 136, sctp: 132, gre: 47, dccp: 33 }[name as 'gre'];

    it('has its name and number in every row', () => {
      const { packets, flows } = router(name);
      expect(new Set([...packets, ...flows].map((row) => row.protocol))).toEqual(new Set([number]));
      expect(protocolName(number)).toBe(name);
    });

    it('left for the server, and came from there, as tcpdump saw it', () => {
      const { packets, there } = router(name);
      const server = there.interfaces['to-server'];
      const left = packets.filter((row) => row.out_ifindex === server && row.verdict === 'accept');
      const came = packets.filter((row) => row.in_ifindex === server);
      const seen = play(name).truth.namespaces.server!.packets!.filter(
        (line) => !line.includes('ICMP6, '),
      );
      // tcpdump has no ports of UDP-Lite
      const hasPorts = name === 'sctp' || name === 'dccp';
      const text = (row: Row, suffix: string) => {
        if (!hasPorts) return ends(row, suffix);
        const [src, dst] = ends(row, suffix).split(' > ');
        return `${src}.${row[`src_port${suffix}`]} > ${dst}.${row[`dst_port${suffix}`]}`;
      };
      const lines = seen.map((line) => /^IP6? (\S+ > \S+): /.exec(line)![1]);
      expect(
        [...left.map((row) => text(row, '_after')), ...came.map((row) => text(row, ''))].sort(),
      ).toEqual(lines.sort());
    });

    it('rewrites what follows from the mapping, both ways', () => {
      const { packets, flows } = router(name);
      for (const row of packets.filter((one) => one.state === 'established')) {
        const flow = flows.find((one) => one.flow === row.flow)!;
        const isReply = row.direction === 'reply';
        const [own, other] = isReply ? ['_reply', ''] : ['', '_reply'];
        expect(tupleOf(row)).toBe(tupleOf(flow, own));
        const left = `${flow[`dst${other}`]}:${flow[`dst_port${other}`]}>${flow[`src${other}`]}:${flow[`src_port${other}`]}`;
        expect(tupleOf(row, '_after')).toBe(left);
        const isMapped = (manip: string) => row[`${manip}_nat`] === 'mapping';
        expect(isMapped('src')).toBe(
          row.src !== row.src_after || row.src_port !== row.src_port_after,
        );
        expect(isMapped('dst')).toBe(
          row.dst !== row.dst_after || row.dst_port !== row.dst_port_after,
        );
      }
    });
  });

  describe('UDP-Lite', () => {
    beforeEach((context) => {
      if (!here.includes('udplite')) context.skip('this kernel has no UDP-Lite, see above');
    });

    it('shows as invalid what the kernel takes for it, with its words', () => {
      const { packets, counters, there } = router('udplite');
      const invalid = packets.filter((row) => row.state === 'invalid');
      expect(invalid).toHaveLength(counters['invalid-udplite']!);
      expect(invalid.filter((row) => row.flow !== null)).toEqual([]);
      const { failures } = play('udplite').trace;
      const said = failures.filter((row) => row.netns === there.inode).map((row) => row.text);
      expect(said).toEqual(invalid.map(() => 'bad checksum'));
    });

    it('shows the ports that NAT chose from those of the rule', () => {
      const { packets, counters } = router('udplite');
      const chosen = port(packets, 7505).filter((row) => row.src_nat === 'rule');
      expect(chosen).toHaveLength(counters['snat-ports-udplite']!);
      for (const { src_port_after: own } of chosen) {
        expect(own === 41_000 || own === 41_001 || own === 41_002 || own === 41_003).toBe(true);
      }
    });

    it('shows what a rule dropped, and no entry of it', () => {
      const { packets, flows, counters } = router('udplite');
      expect(port(packets, 7506)).toHaveLength(counters['drop-udplite']!);
      expect(outcomes(port(packets, 7506))).toEqual(new Set(['new original drop']));
      expect(new Set(port(flows, 7506).map((row) => row.end))).toEqual(
        new Set(['never confirmed']),
      );
    });
  });

  describe('SCTP', () => {
    it('ends at input what a redirect takes, and begins at output what answers', () => {
      const { packets } = router('sctp');
      const taken = port(packets, 7517);
      expect(ways(taken.filter((row) => row.direction === 'original'))).toEqual(
        new Set(['prerouting,input']),
      );
      const answers = port(packets, 7518);
      expect(ways(answers)).toEqual(new Set(['output,postrouting']));
      expect(taken.length + answers.length).toBe(
        router('sctp').there.hooks!.input.early['ipv4 sctp'] +
          router('sctp').there.hooks!.output.early['ipv4 sctp'],
      );
    });

    it('shows a packet of a wrong checksum as invalid, with the words of the kernel', () => {
      const { packets, counters, there } = router('sctp');
      const invalid = packets.filter((row) => row.state === 'invalid');
      expect(invalid).toHaveLength(counters['invalid-sctp']!);
      expect(tupleOf(invalid[0]!)).toBe('10.0.1.2:5000>203.0.113.2:7514');
      const { failures } = play('sctp').trace;
      const said = failures.filter((row) => row.netns === there.inode).map((row) => row.text);
      expect(said).toEqual([expect.stringMatching(/bad CRC/)]);
    });

    it('takes nothing for dropped that went through', () => {
      const { packets } = router('sctp');
      const dropped = packets.filter((row) => row.drop_location !== null);
      // a socket of SCTP frees what it has read as if it were dropped: of packets for the router alone
      expect(dropped.filter((row) => row.last_hook !== 'input')).toEqual([]);
    });
  });

  describe('GRE', () => {
    it('is one flow per pair of addresses without keys, and has no ports', () => {
      const { flows, packets, counters } = router('gre');
      const plain = flows.filter((row) => row.dst_port === 0);
      expect(plain.map((row) => `${row.src} ${row.dst} ${row.src_port}`).sort()).toEqual([
        '10.0.1.2 10.0.1.1 0',
        '10.0.1.2 203.0.113.2 0',
      ]);
      expect(packets).toHaveLength(counters['forwarded-gre']!);
      expect(ways(packets)).toEqual(new Set(['prerouting,forward,postrouting']));
      expect(packets.filter((row) => row.state === 'new')).toHaveLength(counters['new-gre']!);
    });

    it('is a flow per call where it is as PPTP has it', () => {
      const { flows, packets } = router('gre');
      const calls = flows.filter((row) => row.dst_port !== 0);
      expect(calls.map((row) => [row.dst_port, row.src_port_reply, row.packets]).sort()).toEqual([
        [22_136, 22_136, 1n],
        [4660, 4660, 2n],
      ]);
      expect(port(packets, 4660).map((row) => row.src_nat)).toEqual(['rule', 'mapping']);
      expect(new Set(port(packets, 4660).map((row) => tupleOf(row, '_after')))).toEqual(
        new Set(['203.0.113.1:0>203.0.113.2:4660']),
      );
    });
  });

  describe('TPROXY', () => {
    it('ends what was given to a socket at input, with its own address and the mark', () => {
      const { packets, counters } = router('tproxy');
      const given = packets.filter((row) => row.mark === 0x531);
      expect(given).toHaveLength(counters.delivered!);
      expect(given).toHaveLength(counters['tproxy-tcp']! + counters['tproxy-udp']!);
      expect(ways(given)).toEqual(new Set(['prerouting,input']));
      for (const row of given) {
        expect([row.dst, row.dst_after, row.dst_port_after]).toEqual([
          '203.0.113.2',
          '203.0.113.2',
          row.protocol === 6 ? 7531 : 7532,
        ]);
        expect(row.verdict).toBe('accept');
      }
    });

    it('is asked for NAT all the same, and gets null mappings', () => {
      const { packets, flows, counters } = router('tproxy');
      const first = port(packets, 7531).filter(
        (row) => row.state === 'new' && row.dst_nat !== 'none',
      );
      expect(first).toHaveLength(counters['asked-all-the-same']!);
      const taken = port(flows, 7531);
      expect(taken).toHaveLength(2);
      expect(taken.map((row) => [row.src_nat, row.dst_nat])).toEqual(
        taken.map(() => ['null mapping', 'null mapping']),
      );
    });

    it('shows the answers as the router sends them, in the name of the server', () => {
      const { packets } = router('tproxy');
      const answers = packets.filter((row) => row.src_port === 7531);
      expect(answers.length).toBeGreaterThan(0);
      expect(ways(answers)).toEqual(new Set(['output,postrouting']));
      expect(new Set(answers.map((row) => `${row.src} ${row.direction}`))).toEqual(
        new Set(['203.0.113.2 reply']),
      );
    });

    it('shows what the proxy sends on as flows of the router', () => {
      const { flows, counters } = router('tproxy');
      const own = port(flows, 7533);
      expect(own).toHaveLength(counters['proxy-own']!);
      expect(own.map((row) => `${row.src} ${row.src_nat}`)).toEqual(
        own.map(() => '203.0.113.1 rule'),
      );
    });
  });

  describe('clones', () => {
    const CLONED = [
      [7541, 'dup-early', 'prerouting'],
      [7542, 'dup-forward', 'forward'],
      [7543, undefined, 'prerouting'], // TEE, in a table of the legacy backend
    ] as const;
    const split = (wanted: number) => {
      const rows = router('clone').packets.filter((row) => row.dst_port === wanted);
      const clones = rows.filter((row) => row.output_at !== null);
      return { clones, originals: rows.filter((row) => row.output_at === null).sort(byStart) };
    };

    it.each(CLONED)(
      'of port %i are packets of their own, one for each',
      (wanted, comment, hook) => {
        const { clones, originals } = split(wanted);
        expect(clones).toHaveLength(originals.length);
        if (comment !== undefined) {
          expect(clones).toHaveLength(router('clone').counters[comment]!);
        }
        expect(ways(clones)).toEqual(new Set(['output,postrouting']));
        expect(outcomes(clones)).toEqual(new Set(['untracked null accept']));
        // which packet it is of: the same CPU, within the hook, with what it had there
        for (const clone of clones) {
          const of = originals.filter(
            (row) =>
              row.cpu === clone.cpu &&
              startOf(clone) > (row[`${hook}_at`] as bigint) &&
              startOf(clone) < leftAt(row, hook),
          );
          expect(of).toHaveLength(1);
          expect(tupleOf(clone)).toBe(tupleOf(of[0]!));
          expect(clone.length).toBe(of[0]!.length);
        }
      },
    );

    it('are all that left untracked, and belong to no flow', () => {
      const { packets, counters } = router('clone');
      const untracked = packets.filter((row) => row.state === 'untracked');
      expect(untracked).toHaveLength(counters['untracked-clones']!);
      expect(untracked.filter((row) => row.flow !== null || Number(row.chain_runs) > 0)).toEqual(
        [],
      );
    });

    it('leave as they came, whatever NAT makes of the original', () => {
      const { clones, originals } = split(7541);
      expect(new Set(clones.map((row) => ends(row, '_after')))).toEqual(
        new Set(['10.0.1.2 > 10.0.1.1']),
      );
      expect(new Set(originals.map((row) => ends(row, '_after')))).toEqual(
        new Set(['203.0.113.1 > 203.0.113.2']),
      );
      const seen = play('clone').truth.namespaces.server!.packets!;
      const to = (text: string) => seen.filter((line) => line.includes(`${text}: UDP`));
      expect([to('> 10.0.1.1.7541').length, to('> 203.0.113.2.7551').length]).toEqual([
        clones.length,
        originals.length,
      ]);
    });

    it('go on where the original is dropped', () => {
      const { originals, clones } = split(7542);
      expect(originals).toHaveLength(router('clone').counters['drop-original']!);
      expect(outcomes(originals)).toEqual(new Set(['new original drop']));
      expect(new Set(clones.map((row) => row.verdict))).toEqual(new Set(['accept']));
    });
  });

  describe.each(['', 'visits'])('SYNPROXY, --detail %s', (detail) => {
    const all = () => router('synproxy', detail);
    const taken = () => {
      const { packets } = all();
      const at = (hook: string) =>
        packets.filter((row) => row.last_hook === hook && row.verdict !== 'drop');
      const isShaken = (row: Row) => row.complete !== true || row.verdict === 'stolen';
      return {
        syn: at('forward').filter((row) => row.state === 'untracked'),
        ack: at('forward').filter((row) => row.state === 'invalid'),
        synAck: at('postrouting').filter(isShaken),
      };
    };

    it('lost nothing, and has what nft counted before conntrack, hook by hook', async () => {
      const { trace } = play('synproxy', detail);
      expect(totalLost(trace.end.ledger)).toBe(0);
      expect(trace.end.ledger.rows.filter((row) => imbalance(row) !== 0)).toEqual([]);
      const { there } = all();
      for (const hook of HOOKS) {
        const early = nonZero(there.hooks![hook].early);
        expect({ hook, ...countAtHook(trace.packets, there, hook) }).toEqual({ hook, ...early });
      }
      await hasRulesAsWritten('synproxy', detail);
    });

    it('shows the SYN as untracked, the ACK as invalid, both taken at forward', () => {
      const { counters } = all();
      const { syn, ack, synAck } = taken();
      expect([syn.length, ack.length + counters['left-invalid']!, synAck.length]).toEqual([
        counters['taken-syn'],
        counters['taken-ack'],
        counters['taken-syn-ack'],
      ]);
      const verdict = detail === 'visits' ? 'stolen true' : 'accept false';
      for (const row of [...syn, ...ack, ...synAck]) {
        expect(`${row.verdict} ${row.complete}`).toBe(verdict);
        expect(row.drop_location).toBeNull();
      }
      expect(new Set([...syn, ...ack].map((row) => row.flow))).toEqual(new Set([null]));
      expect(new Set(synAck.map((row) => `${row.state} ${row.direction}`))).toEqual(
        new Set(['established reply']),
      );
    });

    it('shows what the router says to both ends as packets of its own', () => {
      const { packets, counters } = all();
      const own = packets.filter((row) => row.output_at !== null).sort(byStart);
      expect(ways(own)).toEqual(new Set(['output,postrouting']));
      const toClient = own.filter((row) => row.dst === '10.0.1.2');
      expect(toClient).toHaveLength(counters['own-syn-ack']! + counters['own-ack-to-client']!);
      expect(toClient.filter((row) => row.state === 'invalid')).toHaveLength(
        counters['own-syn-ack']!,
      );
      const toServer = own.filter((row) => row.dst !== '10.0.1.2');
      const ofRaw = counters['left-invalid']!; // the client's kernel resets what it did not ask for
      expect([toServer.length, ofRaw]).toEqual([
        counters['own-syn']! + counters['own-ack-to-server']!,
        3,
      ]);
      const made = toServer.filter((row) => row.confirm === 'inserted');
      expect(made).toHaveLength(counters['dnat-own-syn']!);
      for (const row of made) {
        expect([row.state, row.src_nat, row.dst_nat]).toEqual(['new', 'rule', 'rule']);
        expect(ends(row, '_after')).toBe('203.0.113.1 > 203.0.113.2');
      }
    });

    it('counts each flow as nft did, and has the entries whose numbers are adjusted', () => {
      const { flows, there, packets, counters } = all();
      expect(rowCounts(flows)).toEqual(countsOf(there));
      const adjusted = flows.filter((row) => (Number(row.status) & (1 << 6)) !== 0); // IPS_SEQ_ADJUST
      expect(adjusted.map((row) => row.dst_port)).toEqual([7561, 7561]);
      const theirs = packets.filter((row) => adjusted.some(({ flow }) => flow === row.flow));
      const before = 3 * adjusted.length; // SYN, SYN ACK, ACK to the server: only then it begins
      expect(theirs.filter((row) => row.postrouting_at !== null)).toHaveLength(
        counters.adjusted! + before,
      );
    });
  });
});
