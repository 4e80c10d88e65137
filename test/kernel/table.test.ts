/**
 * The conntrack table beside a trace, against `conntrack -L`, the rules' counters
 * and tcpdump: a flow whose entry is deleted is mapped anew; a trace that has
 * ended names the rules of entries that are still there.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { playScript, runInGuest } from './in-guest.ts';
import { checkAgainstKernel, ofNamespace, type Played, sniffedText } from './kernel-checks.ts';
import { kernelsOf } from './matrix.ts';
import { type Row, readCaptureTrace, readTruth } from './trace.ts';

const RULES = `table ip nat {
  chain prerouting {
    type nat hook prerouting priority dstnat;
    udp dport 4789 counter redirect to :4790 comment "old-end"
  }
}
table ip count {
  chain unheard { type filter hook output priority -300; udp sport 4790 udp length 9 drop; }
  chain asked { type filter hook input priority 0; udp sport 40002 counter comment "asked"; }
  chain answered { type filter hook output priority 0; udp dport 40002 counter comment "answered"; }
}`;

/**
 * Flows by source port: 40001 older than the trace, 40002 within it, 40003 after
 * it. A message of one byte has no answer.
 */
const BESIDE = `
set -e
ip netns add beside; ip netns add peer
trap 'kill $(ip netns pids beside); ip netns del beside; ip netns del peer' EXIT
ip link add to-peer netns beside type veth peer name eth0 netns peer
ip -n beside addr add 10.9.0.1/24 dev to-peer; ip -n beside link set to-peer up
ip -n peer addr add 10.9.0.2/24 dev eth0; ip -n peer link set eth0 up
beside() { ip netns exec beside "$@"; }
beside sysctl -qw net.netfilter.nf_conntrack_acct=0
beside sysctl -qw net.netfilter.nf_conntrack_udp_timeout=900 net.netfilter.nf_conntrack_udp_timeout_stream=900
beside nft '${RULES}'
for port in 4790 4791; do
  beside socat UDP4-LISTEN:$port,fork PIPE &
  until beside ss -Huln "sport = :$port" | grep -q .; do sleep 0.1; done
done
ask() { printf "\${2:-asked}" | ip netns exec peer socat -t 0.5 - UDP4:10.9.0.1:4789,sourceport=$1; }
list() { conntrail table list --netns beside -p udp --from $OUT/first "$@"; }
ask 40001
conntrail record --out $OUT/first --ready-file /tmp/ready -q & recorder=$!
until [ -e /tmp/ready ]; do sleep 0.1; done
ask 40001; ask 40002; ask 40002; ask 40002; ask 40002 x
count() { beside nft list table ip count > $OUT/counted; grep -q "packets $1 .*"$2"" $OUT/counted; }
until count 4 asked && count 3 answered; do sleep 0.1; done
kill -INT $recorder; wait $recorder
beside nft insert rule ip nat prerouting udp dport 4789 counter redirect to :4791 comment '"new-end"'
ask 40002; ask 40003
beside conntrack -L -p udp > $OUT/before.listed
beside nft list table ip nat > $OUT/before.rules
list -o json > $OUT/before.json 2> $OUT/before.said
list --sport 40002 > $OUT/before.columns
conntrail table delete --netns beside -p udp --sport 40002 --dport 4789
ask 40002
beside conntrack -L -p udp > $OUT/after.listed
beside nft list table ip nat > $OUT/after.rules
list -o json > $OUT/after.json
`;

let folder: string;
const text = (name: string) => readFile(join(folder, name), 'utf8');

describe.each(kernelsOf('table.test.ts'))('kernel %s', (kernel) => {
  let played: Played;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'conntrail-table-'));
    const script = `${playScript(['table-delete'], '$OUT')}\n${BESIDE}`;
    await runInGuest(script, { kernel, outDir: folder, timeoutSec: 1150 });
    const trace = await readCaptureTrace(join(folder, 'trace.capture'));
    played = { trace, truth: await readTruth(folder) };
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  describe('an entry that is deleted', () => {
    checkAgainstKernel(() => played);

    const tunnel = () =>
      ofNamespace(played, 'router')
        .flows.filter((row) => row.src_port === 40_789)
        .sort((a, b) => Number((a.first_ktime_ns as bigint) - (b.first_ktime_ns as bigint)));
    const ruleOf = (row: Row | undefined) =>
      played.trace.rules.find(({ rule }) => rule === row?.dst_rule)?.text;

    it('ends its flow, with the old mapping; the next packet begins another, with the new one', () => {
      const [old, next, ...more] = tunnel();
      expect(more).toEqual([]);
      expect(old).toMatchObject({ end: 'deleted', src_reply: '203.0.113.2', dst_nat: 'rule' });
      expect(next).toMatchObject({ end: 'open', src_reply: '203.0.113.3', dst_nat: 'rule' });
      expect([ruleOf(old), ruleOf(next)]).toEqual([
        expect.stringContaining('"old-end"'),
        expect.stringContaining('"new-end"'),
      ]);
    });

    it('was decided by the rules that counted, and no other packet was', () => {
      const { there } = ofNamespace(played, 'router');
      expect(there.counters).toMatchObject({ 'old-end': 1, 'new-end': 1 });
      const decided = ofNamespace(played, 'router').packets.filter((row) => row.dst_nat === 'rule');
      expect(decided).toHaveLength(2);
    });

    it('leaves the entry that conntrack lists, to the new end', () => {
      const { there } = ofNamespace(played, 'router');
      const lines = there.conntrack.filter((line) => line.includes(' sport=40789 '));
      expect(lines).toHaveLength(1);
      expect(lines[0]).toContain(' src=203.0.113.3 dst=10.0.1.2 ');
    });

    it('has as many packets at each end as tcpdump saw there', () => {
      const seen = played.truth.namespaces.server!.packets!.map(sniffedText);
      const came = (end: string) =>
        seen.filter((line) => line === `10.0.1.2.40789 > ${end}.4789`).length;
      expect([came('203.0.113.2'), came('203.0.113.3')]).toEqual([7, 2]);
      expect(tunnel().map((row) => [row.packets, row.packets_reply])).toEqual([
        [7n, 7n],
        [2n, 2n],
      ]);
    });
  });

  describe('the table beside a trace that has ended', () => {
    const tracesIn = async (name: string) =>
      new Map(
        (await text(name))
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line) as { src_port: number; trace: Record<string, unknown> })
          .map(({ src_port, trace }) => [src_port, trace]),
      );
    const replyPort = async (name: string, port: number) =>
      new RegExp(` sport=${port} dport=4789 .* sport=(\\d+) dport=${port} `).exec(
        await text(name),
      )?.[1];
    const counterIn = async (name: string, comment: string) =>
      Number(new RegExp(`packets (\\d+) .*"${comment}"`).exec(await text(name))?.[1]);

    it('has a kernel that did what was meant', async () => {
      const ports = [40_001, 40_002, 40_003];
      expect(await Promise.all(ports.map((port) => replyPort('before.listed', port)))).toEqual([
        '4790',
        '4790',
        '4791',
      ]);
      expect(await replyPort('after.listed', 40_002)).toBe('4791');
      expect(await counterIn('before.rules', 'old-end')).toBe(2);
      expect(await counterIn('before.rules', 'new-end')).toBe(1);
      expect(await counterIn('after.rules', 'new-end')).toBe(2);
    });

    it('names the old rule for the old entry, with as many packets as nft counted', async () => {
      const [asked, answered] = [
        await counterIn('counted', 'asked'),
        await counterIn('counted', 'answered'),
      ];
      expect([asked, answered]).toEqual([4, 3]);
      const trace = (await tracesIn('before.json')).get(40_002);
      expect(trace).toMatchObject({
        ...{ older: false, dst_nat: 'rule', src_nat: 'null mapping', src_rule: null },
        dst_rule: { chain: 'prerouting', text: expect.stringContaining('"old-end"') },
        ...{ packets: asked, packets_reply: answered },
      });
      const columns = await text('before.columns');
      expect(columns).toMatch(
        /^ {2}trace: flow \d+: dst decided by ip nat prerouting handle \d+: /m,
      );
      expect(columns).toContain(`; ${asked} packets (`);
    });

    it('says of an entry older than the trace that its rule was not seen', async () => {
      expect((await tracesIn('before.json')).get(40_001)).toMatchObject({
        ...{ older: true, dst_nat: 'older', dst_rule: null, packets: 1 },
      });
    });

    it('does not know what was made after it, nor takes it for what was deleted', async () => {
      const none = { flow: null, why: 'no flow in it has this tuple' };
      expect((await tracesIn('before.json')).get(40_003)).toEqual(none);
      const again = (await tracesIn('after.json')).get(40_002);
      expect(again).toEqual({
        ...{ flow: null },
        why: expect.stringMatching(/^flow \d+ had this tuple with another mapping: /),
      });
      expect(await text('before.said')).toMatch(
        /\n3 entries, 2 known to the trace, which ended at /,
      );
    });
  });
});
