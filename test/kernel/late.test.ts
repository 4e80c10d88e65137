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
import { explain } from './explained.ts';
import { runInGuest } from './in-guest.ts';
import { kernelsOf } from './matrix.ts';
import { checkRules, type Played, readPlayed } from './rule-checks.ts';
import { readCaptureTrace, type Trace } from './trace.ts';

/** The tables of legacy iptables are gone from the newest kernels. */
const hasLegacy = (kernel: string) => kernel !== '7';
const scenariosOf = (kernel: string) => [
  ...['router-nft', 'router-iptables-nft'],
  ...(hasLegacy(kernel) ? ['router-iptables-legacy'] : []),
];

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
conntrail lab --here --scenario ${scenariosOf(kernel).join(',')} --truth --out $OUT -- \\
  -q --detail flows --out $OUT/beside.capture || exit 6
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

describe.each(CASES)('kernel $kernel, $detail, $backend', (how) => {
  const { kernel, detail, backend } = how;
  const played = new Map<string, Played>();
  const own = () => join(folder, `${kernel}-${detail}-${backend}`);
  let trace: Trace;

  beforeAll(async () => {
    await runInGuest(scriptOf(how), { kernel, outDir: own(), timeoutSec: 900 });
    const capture = join(own(), 'trace.capture');
    trace = await readCaptureTrace(capture);
    const explained = explain(capture);
    for (const scenario of scenariosOf(kernel)) {
      played.set(scenario, await readPlayed(own(), scenario, trace, explained));
    }
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

  describe.each(scenariosOf(kernel))('%s', (scenario) => {
    checkRules({ scenario, detail }, () => played.get(scenario)!);
  });
});
