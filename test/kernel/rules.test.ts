/**
 * The rule that decided each flow, against the kernel's own account of it: the
 * mark the rule left in the entry, the endpoint in the reply tuple, the rules'
 * counters, and what nft counted per entry. Small, Kubernetes-like and awkward
 * rulesets, each in nft, iptables-nft and legacy iptables.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { explain } from './explained.ts';
import { playScript, runInGuest } from './in-guest.ts';
import { checkRules, type Played, type PlayedAs, readPlayed } from './rule-checks.ts';
import { readCaptureTrace } from './trace.ts';

const BACKENDS = ['nft', 'iptables-nft', 'iptables-legacy'] as const;
const ofKind = (kind: string) => BACKENDS.map((backend) => `${kind}-${backend}`);

/** Scenarios under one recording each. Those with flows alone have nf_conntrack_acct=1. */
const RECORDINGS = [
  { detail: 'packets', scenarios: ['router', 'awkward', 'kubernetes'].flatMap(ofKind) },
  { detail: 'flows', scenarios: ['router-nft', 'kubernetes-iptables-legacy'] },
] as const;

const PLAYS: readonly PlayedAs[] = RECORDINGS.flatMap(({ detail, scenarios }) =>
  scenarios.map((scenario) => ({ detail, scenario })),
);

const played = new Map<string, Played>();
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conntrail-rules-'));
  const script = RECORDINGS.map(({ detail, scenarios }) =>
    playScript(scenarios, `$OUT/${detail}`, `--detail ${detail}`),
  );
  await runInGuest(script.join('\n'), { outDir: folder, timeoutSec: 1150 });
  for (const { detail, scenarios } of RECORDINGS) {
    const own = join(folder, detail);
    const trace = await readCaptureTrace(join(own, 'trace.capture'));
    const explained = explain(join(own, 'trace.capture'));
    for (const scenario of scenarios) {
      played.set(`${scenario} ${detail}`, await readPlayed(own, scenario, trace, explained));
    }
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.each(PLAYS)('$scenario, $detail', (play) => {
  checkRules(play, () => played.get(`${play.scenario} ${play.detail}`)!);
});
