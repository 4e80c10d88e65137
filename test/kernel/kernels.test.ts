/**
 * The other kernels in short: what `make test` plays of them, against what that
 * kernel counted itself.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KernelTruth } from '../../src/lab/truth.ts';
import { HOOKS } from '../../src/model/codes.ts';
import { totalLost } from '../../src/model/ledger.ts';
import { entryText, flowText, listedFlows } from './entries.ts';
import { explain } from './explained.ts';
import { playScript, runInGuest } from './in-guest.ts';
import { kernelsOf } from './matrix.ts';
import { checkRules, type Played, readPlayed } from './rule-checks.ts';
import {
  countAtHook,
  inNamespace,
  nonZero,
  readCaptureTrace,
  readTruth,
  type Trace,
} from './trace.ts';

const SCENARIOS = ['redirect', 'forward-drop'] as const;
const OTHERS = kernelsOf('kernels.test.ts');

/** Not a flow's: translated to code of its own, loops, far loads and all. */
const EXPRESSION =
  'ip6 protochain 6 or tcp[13] & 2 != 0 or udp[100:4] / ip[1] = 3 and not host 10.0.0.1';

/** Of rules the hardest; the tables of legacy iptables are gone from newer kernels. */
const AWKWARD = ['awkward-nft', 'awkward-iptables-nft', 'awkward-iptables-legacy'] as const;
const awkwardOf = (kernel: string) => (kernel === '7' ? AWKWARD.slice(0, 2) : AWKWARD);

/** The expression is recorded while the scenarios are being set up. */
const scriptOf = (kernel: string) => `
modprobe nf_conntrack
conntrail record --duration 1s -q --filter '${EXPRESSION}' --out $OUT/expression.capture & other=$!
${playScript([...SCENARIOS, ...awkwardOf(kernel)], '$OUT')}
wait $other`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conntrail-kernels-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.each(OTHERS)('kernel %s', (kernel) => {
  const played = new Map<string, { trace: Trace; truth: KernelTruth }>();
  const rules = new Map<string, Played>();

  beforeAll(async () => {
    const outDir = join(folder, kernel);
    await runInGuest(scriptOf(kernel), { kernel, outDir, timeoutSec: 900 });
    const trace = await readCaptureTrace(join(outDir, 'trace.capture'));
    for (const name of SCENARIOS) {
      played.set(name, { trace, truth: await readTruth(join(outDir, name)) });
    }
    const explained = explain(join(outDir, 'trace.capture'));
    for (const name of awkwardOf(kernel)) {
      rules.set(name, await readPlayed(outDir, name, trace, explained));
    }
  });

  describe.each(awkwardOf(kernel))('%s', (scenario) => {
    checkRules({ scenario, detail: 'packets' }, () => rules.get(scenario)!);
  });

  it.each(SCENARIOS)('%s: loses nothing, and has the packets that nft counted', (name) => {
    const { trace, truth } = played.get(name)!;
    const router = truth.namespaces.router!;
    expect(totalLost(trace.end.ledger)).toBe(0);
    for (const hook of HOOKS) {
      const early = nonZero(router.hooks![hook].early);
      expect({ hook, ...countAtHook(trace.packets, router, hook) }).toEqual({ hook, ...early });
    }
  });

  it.each(SCENARIOS)('%s: has the flows of conntrack -L', (name) => {
    const { trace, truth } = played.get(name)!;
    const router = truth.namespaces.router!;
    const listed = listedFlows(inNamespace(trace.flows, router), router.conntrack);
    expect(listed.map(flowText).sort()).toEqual(router.conntrack.map(entryText).sort());
  });

  it('takes a translated expression', async () => {
    const { facts } = await readCaptureTrace(join(folder, kernel, 'expression.capture'));
    expect(facts.filter).toBe(EXPRESSION);
  });

  it('runs the redirecting chain once per flow, and none for the replies', () => {
    const { trace, truth } = played.get('redirect')!;
    const router = truth.namespaces.router!;
    const packets = inNamespace(trace.packets, router);
    const asked = packets.filter((row) => row.prerouting_chains === true);
    expect(asked).toHaveLength(router.counters['redirect-tcp']! + router.counters['redirect-udp']!);
    expect(packets.filter((row) => row.output_chains || row.postrouting_chains)).toEqual([]);
  });

  it('shows where packets were dropped', () => {
    const { trace, truth } = played.get('forward-drop')!;
    const router = truth.namespaces.router!;
    const dropped = inNamespace(trace.packets, router).filter((row) => row.verdict === 'drop');
    const { 'drop-udp': udp, 'drop-tcp': tcp, 'drop-echo': echo } = router.counters;
    expect(dropped).toHaveLength(udp! + tcp! + echo!);
    expect(new Set(dropped.map((row) => row.last_hook))).toEqual(new Set(['forward']));
    expect(dropped.filter((row) => row.drop_location === null)).toEqual([]);
  });
});
