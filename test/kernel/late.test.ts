/**
 * Modules that come after the trace began: the rules that pull them in are
 * loaded while it runs, and it names who decided all the same, in each backend.
 * And modules that go and come again.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Backend } from '../../src/model/facts.ts';
import { totalLost } from '../../src/model/ledger.ts';
import { runInGuest } from './in-guest.ts';
import { hasLegacy, kernelsOf } from './matrix.ts';
import { type Row, readCaptureTrace, type Trace } from './trace.ts';

/** The tables of legacy iptables are gone from the newest kernels. */
const RULES_BY = ['nft', 'iptables-nft', 'iptables-legacy'] as const;
type RulesBy = (typeof RULES_BY)[number];
const rulesByOf = (kernel: string) => (hasLegacy(kernel) ? RULES_BY : RULES_BY.slice(0, 2));

/** By port: the chain, what is decided, and how many flows are made. Each leaves its port in the mark. */
const DECISIONS = [
  {
    port: 1001,
    chain: 'OUTPUT',
    nft: 'dnat to 10.9.0.9:2001',
    flows: 2,
    iptables: 'DNAT --to-destination 10.9.0.9:2001',
  },
  {
    port: 1002,
    chain: 'OUTPUT',
    nft: 'redirect to :2002',
    flows: 3,
    iptables: 'REDIRECT --to-ports 2002',
  },
  { port: 1003, chain: 'POSTROUTING', nft: 'masquerade', flows: 5, iptables: 'MASQUERADE' },
  {
    port: 1004,
    chain: 'POSTROUTING',
    nft: 'snat to 10.9.0.77',
    flows: 4,
    iptables: 'SNAT --to-source 10.9.0.77',
  },
] as const;

const ruleset = () =>
  `table ip nat { ${(['OUTPUT', 'POSTROUTING'] as const)
    .map((chain) => {
      const rules = DECISIONS.filter((one) => one.chain === chain).map(
        ({ port, nft }) =>
          `udp dport ${port} counter ct mark set ${port} ${nft} comment "r${port}"`,
      );
      const priority = chain === 'OUTPUT' ? -100 : 100;
      return `chain ${chain} {\ntype nat hook ${chain.toLowerCase()} priority ${priority}\n${rules.join('\n')}\n}`;
    })
    .join('\n')}\n}`;

/** Into the namespace of that name. */
const loadRules = (by: RulesBy) => {
  const run = `ip netns exec ${by}`;
  if (by === 'nft') return `${run} nft '${ruleset()}' || exit 4`;
  const rules = DECISIONS.flatMap(({ port, chain, iptables: target }) => [
    `${chain} -p udp --dport ${port} -j CONNMARK --set-mark ${port}`,
    `${chain} -p udp --dport ${port} -m comment --comment r${port} -j ${target}`,
  ]);
  return rules.map((rule) => `${run} ${by} -w -t nat -A ${rule} || exit 4`).join('\n');
};

/** A namespace whose packets go nowhere: they have passed all hooks by then. */
const play = (by: RulesBy) => `
ip netns add ${by}
ip -n ${by} link add d0 type dummy && ip -n ${by} addr add 10.9.0.1/24 dev d0 || exit 4
ip -n ${by} link set d0 up; ip -n ${by} link set lo up
${loadRules(by)}
ip netns exec ${by} bash -c '${DECISIONS.map(
  ({ port, flows }) => `for flow in $(seq ${flows}); do echo x > /dev/udp/10.9.0.2/${port}; done`,
).join('; ')}'
ip netns exec ${by} conntrack -L -p udp > $OUT/${by}.listed 2> /dev/null
ip netns exec ${by} ${by === 'nft' ? 'nft list ruleset' : `${by}-save -c -t nat`} > $OUT/${by}.rules
stat -Lc %i /run/netns/${by} > $OUT/${by}.inode`;

const NFT = `table ip nat {
  chain prerouting {
    type nat hook prerouting priority dstnat
    tcp dport 1001 dnat to 192.0.2.1
    tcp dport 1002 redirect to :1003
  }
  chain postrouting {
    type nat hook postrouting priority srcnat
    oifname "none" masquerade
  }
}`;
const IPTABLES = [
  'PREROUTING -p tcp --dport 1004 -j DNAT --to-destination 192.0.2.2',
  'PREROUTING -p tcp --dport 1005 -j REDIRECT --to-ports 1006',
  'POSTROUTING -o none -j MASQUERADE',
];
const iptables = (backend: string) =>
  IPTABLES.map((rule) => `iptables-${backend} -w -t nat -A ${rule}`).join(' && ');

/** One of each is to be attached before the traffic begins. */
const LATE = [
  ...['nf_nat_setup_info', 'nft_nat_do_chain', 'nft_nat_eval', 'nft_masq_', 'nft_redir_eval'],
  ...['xt_dnat_target_v2', 'masquerade_tg', 'redirect_tg4', 'nf_tables_commit'],
];
const lateOf = (kernel: string, detail: string) => [
  ...LATE,
  ...(hasLegacy(kernel) ? ['xt_replace_table'] : []),
  ...(hasLegacy(kernel) && detail === 'packets' ? ['ipt.*_do_'] : []),
];

interface Case {
  readonly kernel: string;
  readonly detail: 'packets' | 'flows';
  /** Undefined: the best there is. */
  readonly backend?: Backend | undefined;
}

/** Conntrack alone is there; the recording, then the rules, then what they are wanted for. */
const scriptOf = ({ kernel, detail, backend }: Case) => `
modprobe nf_conntrack
for module in nf_nat nf_tables nft_masq x_tables; do [ ! -d /sys/module/$module ] || exit 9; done
wait_for() { # WHAT COMMAND...: until it holds
  what=$1; shift; waited=0
  until "$@"; do
    waited=$((waited + 1)); [ $waited -lt 600 ] || { echo "no $what" >&2; exit 8; }; sleep 0.5
  done
}
conntrail record --detail ${detail} ${backend === undefined ? '' : `--backend ${backend}`} \\
  --out $OUT/trace.capture --ready-file /tmp/ready 2>$OUT/said.txt & late=$!
wait_for start [ -e /tmp/ready ]
unshare -n sh -c 'nft "$0" && ${iptables('nft')} ${hasLegacy(kernel) ? `&& ${iptables('legacy')}` : ''}' '${NFT}' || exit 7
for name in ${lateOf(kernel, detail).join(' ')}; do wait_for $name grep -q "$name" $OUT/said.txt; done
${pinsModules({ kernel, detail, backend }) ? '' : RELOAD}
${rulesByOf(kernel).map(play).join('\n')}
kill -INT $late
wait $late || exit 5`;

/** fentry keeps a module from going; 5.10 has none of modules. */
const pinsModules = ({ kernel, backend }: Case) => kernel !== '5.10' && backend !== 'kprobe';

/** A module goes and comes back: what was attached to it must be, too. */
const RELOAD = `
wait_for 'module to be free' modprobe -r nft_masq
wait_for 'loss of nft_masq' grep -q 'lost with their module: .*nft_masq' $OUT/said.txt
modprobe nft_masq
again() { [ "$(grep -c 'attached later: .*nft_masq' $OUT/said.txt)" -ge 2 ]; }
wait_for 'second nft_masq' again`;

/** 5.10 knows no fentry of modules. Each kernel one way, the default one more. */
const ALL_CASES: readonly Case[] = [
  { kernel: '6.1', detail: 'packets' },
  { kernel: '5.10', detail: 'flows' },
  { kernel: '6.12', detail: 'flows' },
  { kernel: '7', detail: 'packets' },
  { kernel: '6.1', detail: 'flows', backend: 'kprobe' },
];
const asked = kernelsOf('late.test.ts');
const CASES = ALL_CASES.filter(({ kernel }) => asked.includes(kernel));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conntrail-late-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Truth {
  readonly inode: number;
  /** `conntrack -L`: the mark of each entry by its source port. */
  readonly marks: ReadonlyMap<number, string>;
  /** Packets that each rule counted, by its comment. */
  readonly counters: Readonly<Record<string, number>>;
}

async function readTruth(folderOf: string, by: RulesBy): Promise<Truth> {
  const text = (name: string) => readFile(join(folderOf, `${by}.${name}`), 'utf8');
  const rules = (await text('rules')).split('\n').flatMap((line) => {
    const comment = /comment "?(r\d+)/.exec(line)?.[1];
    const count = /counter packets (\d+)|^\[(\d+):/.exec(line);
    return comment === undefined || count === null ? [] : [[comment, Number(count[1] ?? count[2])]];
  });
  const marks = (await text('listed')).split('\n').flatMap((line) => {
    const found = /sport=(\d+) dport=10\d\d .* mark=(\d+)/.exec(line);
    return found === null ? [] : [[Number(found[1]), `r${found[2]}`] as const];
  });
  return {
    inode: Number(await text('inode')),
    marks: new Map(marks),
    counters: Object.fromEntries(rules) as Record<string, number>,
  };
}

const EXPECTED = Object.fromEntries(DECISIONS.map(({ port, flows }) => [`r${port}`, flows]));

describe.each(CASES)('kernel $kernel, $detail, $backend', (how) => {
  const { kernel, detail, backend } = how;
  const truths = new Map<RulesBy, Truth>();
  const own = () => join(folder, `${kernel}-${detail}-${backend}`);
  let trace: Trace;

  beforeAll(async () => {
    await runInGuest(scriptOf(how), { kernel, outDir: own(), timeoutSec: 1100 });
    trace = await readCaptureTrace(join(own(), 'trace.capture'));
    for (const by of rulesByOf(kernel)) truths.set(by, await readTruth(own(), by));
  });

  it('says what was attached later', async () => {
    const { facts, end } = trace;
    const later = end.probeChanges.flatMap(({ attached }) => attached);
    for (const name of lateOf(kernel, detail)) {
      expect(facts.attached.filter((probe) => new RegExp(name).test(probe))).toEqual([]);
      expect(later.filter((probe) => new RegExp(name).test(probe))).not.toEqual([]);
    }
    expect(end.probeChanges.flatMap(({ refused }) => refused)).toEqual([]);
    expect(await readFile(join(own(), 'said.txt'), 'utf8')).toContain('attached later: ');
  });

  it('loses what goes with its module, and has it back', () => {
    const changes = trace.end.probeChanges;
    const ofMasquerade = (texts: readonly string[]) =>
      texts.map((text) => text.split(' ')[1]!).filter((name) => name.startsWith('nft_masq'));
    const lost = changes.flatMap((change) => ofMasquerade(change.lost));
    const attached = changes.flatMap((change) => ofMasquerade(change.attached));
    if (pinsModules(how)) {
      expect(lost).toEqual([]);
      expect(attached).toEqual([...new Set(attached)]);
    } else {
      expect(lost).not.toEqual([]);
      expect(attached).toEqual([...lost, ...lost]);
    }
  });

  it('loses nothing', () => {
    expect(totalLost(trace.end.ledger)).toBe(0);
  });

  describe.each(rulesByOf(kernel))('rules by %s', (by) => {
    const commentOf = (rule: Row | undefined) =>
      /comment "?(r\d+)/.exec(String(rule?.text))?.[1] ?? null;
    const flowsThere = () =>
      trace.flows.filter(
        (row) => row.netns === truths.get(by)!.inode && /^100\d$/.test(String(row.dst_port)),
      );

    it('has a kernel that decided as was meant', () => {
      const { counters, marks } = truths.get(by)!;
      expect(counters).toEqual(EXPECTED);
      expect(marks.size).toBe(Object.values(EXPECTED).reduce((sum, count) => sum + count, 0));
    });

    it('names the rule that left its mark, for each flow', () => {
      const { marks } = truths.get(by)!;
      const ours = flowsThere().map((row) => {
        const number = row.dst_rule ?? row.src_rule;
        const rule = trace.rules.find((one) => one.rule === number && number !== null);
        return [Number(row.src_port), commentOf(rule)] as const;
      });
      expect(new Map(ours)).toEqual(marks);
      expect(ours).toHaveLength(marks.size);
    });

    it('has as many flows for each rule as the kernel counted', () => {
      const { counters, inode } = truths.get(by)!;
      const decided: Record<string, number> = {};
      for (const rule of trace.rules) {
        const comment = commentOf(rule);
        if (rule.netns !== inode || comment === null) continue;
        decided[comment] = (decided[comment] ?? 0) + Number(rule.flows);
      }
      expect(decided).toEqual(counters);
    });
  });
});
