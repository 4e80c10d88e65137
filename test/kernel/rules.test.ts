/**
 * The rule that decided each flow, against the kernel's own account of it: the
 * mark the rule left in the entry, the endpoint in the reply tuple, the rules'
 * counters, and what nft counted per entry. Small, Kubernetes-like and awkward
 * rulesets, each in nft, iptables-nft and, where the kernel has it, legacy
 * iptables. The kernels are those of matrix.ts.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { explain } from './explained.ts';
import { playScript, runInGuest } from './in-guest.ts';
import { hasLegacy, kernelsOf } from './matrix.ts';
import { checkRules, type Played, type PlayedAs, readPlayed } from './rule-checks.ts';
import { readCaptureTrace } from './trace.ts';

const BACKENDS = ['nft', 'iptables-nft', 'iptables-legacy'] as const;

/** Scenarios under one recording each. Those with flows alone have nf_conntrack_acct=1. */
function recordingsOf(kernel: string) {
  const backends = hasLegacy(kernel) ? BACKENDS : BACKENDS.slice(0, 2);
  const ofKind = (kind: string) => backends.map((backend) => `${kind}-${backend}`);
  return [
    { detail: 'packets', scenarios: ['router', 'awkward', 'kubernetes'].flatMap(ofKind) },
    { detail: 'flows', scenarios: ['router-nft', `kubernetes-${backends.at(-1)}`] },
  ] as const;
}

describe.each(kernelsOf('rules.test.ts'))('kernel %s', (kernel) => {
  const recordings = recordingsOf(kernel);
  /** A map of the kernel can be walked since 5.13. */
  const tellsOpen = kernel !== '5.10';
  const plays: readonly PlayedAs[] = recordings.flatMap(({ detail, scenarios }) =>
    scenarios.map((scenario) => ({ detail, scenario, tellsOpen })),
  );
  const played = new Map<string, Played>();
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'conntrail-rules-'));
    const script = recordings.map(({ detail, scenarios }) =>
      playScript(scenarios, `$OUT/${detail}`, `--detail ${detail}`),
    );
    await runInGuest(script.join('\n'), { kernel, outDir: folder, timeoutSec: 1150 });
    for (const { detail, scenarios } of recordings) {
      const own = join(folder, detail);
      const trace = await readCaptureTrace(join(own, 'trace.capture'));
      const explained = explain(join(own, 'trace.capture'));
      for (const scenario of scenarios) {
        played.set(`${scenario} ${detail}`, await readPlayed(own, scenario, trace, explained));
      }
    }
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  describe.each(plays)('$scenario, $detail', (play) => {
    checkRules(play, () => played.get(`${play.scenario} ${play.detail}`)!);
  });
});
