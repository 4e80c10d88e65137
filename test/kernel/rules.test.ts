/**
 * The rule that decided each flow, against the kernel's own account of it: the
 * mark the rule left in the entry, the endpoint in the reply tuple, the rules'
 * counters, and what nft counted per entry. Small, Kubernetes-like and awkward
 * rulesets, each in nft, iptables-nft and legacy iptables.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runGuest } from '../../src/lab/guest.ts';
import { DEFAULT_KERNEL } from '../../src/lab/kernels.ts';
import { openScenario, scenarioPath } from '../../src/lab/scenario-file.ts';
import type { NamespaceTruth } from '../../src/lab/truth.ts';
import { imbalance, totalLost } from '../../src/model/ledger.ts';
import {
  counterRise,
  type DecidedFlow,
  decidedBy,
  decidedFlows,
  flowKey,
  knownRules,
  type Marks,
} from './deciders.ts';
import { isConfirmed } from './entries.ts';
import { inNamespace, type Row, readCaptureTrace, readTruth, type Trace } from './trace.ts';

const BACKENDS = ['nft', 'iptables-nft', 'iptables-legacy'] as const;
const ofKind = (kind: string) => BACKENDS.map((backend) => `${kind}-${backend}`);

interface Play {
  readonly scenario: string;
  readonly detail: 'packets' | 'flows';
}

const withDetail = (detail: Play['detail'], scenarios: readonly string[]): Play[] =>
  scenarios.map((scenario) => ({ scenario, detail }));

const SMALL_AND_AWKWARD = withDetail('packets', ['router', 'awkward'].flatMap(ofKind));

/** Each is one guest. */
const GUESTS: readonly { kernel: string; what: string; plays: readonly Play[] }[] = [
  { kernel: DEFAULT_KERNEL, what: 'small and awkward', plays: SMALL_AND_AWKWARD },
  {
    kernel: DEFAULT_KERNEL,
    what: 'kubernetes, and flows alone', // those with nf_conntrack_acct=1
    plays: [
      ...withDetail('packets', ofKind('kubernetes')),
      ...withDetail('flows', ['router-nft', 'kubernetes-iptables-legacy']),
    ],
  },
  { kernel: '5.10', what: 'small and awkward', plays: SMALL_AND_AWKWARD },
  { kernel: '6.12', what: 'small and awkward', plays: SMALL_AND_AWKWARD },
];

/** Of the scenarios with services: flows by service, and how many are masqueraded. */
interface KubernetesExpected {
  readonly services: Readonly<Record<string, number>>;
  readonly masqueraded: number;
}

interface Played {
  readonly trace: Trace;
  readonly router: NamespaceTruth;
  readonly flows: readonly DecidedFlow[];
  readonly expected: Readonly<Record<string, unknown>>;
}

const folderOf = ({ scenario, detail }: Play) => `${scenario}-${detail}`;

/** Where the traffic itself failed, a scenario is played once more. */
const scriptOf = (plays: readonly Play[]) => `
play() {
  conntrail lab --here --scenario $1 --truth --out $OUT/$1-$2 -- \\
    --detail $2 --out $OUT/$1-$2/trace.capture -q
}
${plays
  .map(({ scenario, detail }) => `play ${scenario} ${detail}`)
  .map((play) => `${play} || { echo "${play}: once more" >&2; ${play}; } || exit 1`)
  .join('\n')}`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conntrail-rules-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function playAll(
  kernel: string,
  plays: readonly Play[],
  outDir: string,
): Promise<Map<string, Played>> {
  let said = '';
  const { status, kernelWarnings } = await runGuest({
    kernel,
    command: ['sh', '-c', scriptOf(plays)],
    outDir,
    timeoutSec: 1150,
    onStderr: (chunk) => {
      said += chunk.toString();
    },
  });
  expect(status, said).toBe(0);
  expect(kernelWarnings).toEqual([]);
  const entries = plays.map(async (play) => {
    const { expect: expected } = await openScenario(await scenarioPath(play.scenario));
    const router = (await readTruth(join(outDir, folderOf(play)))).namespaces.router!;
    const trace = await readCaptureTrace(join(outDir, folderOf(play), 'trace.capture'));
    const flows = decidedFlows(router, expected.marks as Marks | undefined);
    return [folderOf(play), { trace, router, flows, expected }] as const;
  });
  return new Map(await Promise.all(entries));
}

/** What identifies a rule; its comment too, since legacy rules take the places of others. */
function ruleName(row: Row | undefined): string | null {
  if (row === undefined) return null;
  const { backend, family, table, chain, number } = row;
  const handle = backend === 'legacy' ? '' : ` handle ${row.handle}`;
  const [, quoted, bare] =
    /(?:--comment|[^m] comment) (?:"([^"]*)"|(\S+))/.exec(String(row.text)) ?? [];
  return `${backend} ${family} ${table} ${chain} ${number}${handle} ${quoted ?? bare ?? ''}`;
}

const truthName = (rule: DecidedFlow['decider']['src']) =>
  ruleName(rule === null ? undefined : { ...rule, handle: BigInt(rule.handle ?? 0) });

describe.each(GUESTS)('kernel $kernel: $what', ({ kernel, what, plays }) => {
  let played: ReadonlyMap<string, Played>;
  beforeAll(async () => {
    played = await playAll(kernel, plays, join(folder, `${kernel} ${what}`));
  });

  describe.each(plays.map((play) => [folderOf(play)] as const))('%s', (name) => {
    const play = () => played.get(name)!;
    const open = () =>
      inNamespace(play().trace.flows, play().router).filter(
        (row) => row.end === 'open' && isConfirmed(row),
      );
    const ruleOf = (row: Row, manip: string) =>
      play().trace.rules.find((rule) => rule.rule === row[`${manip}_rule`]);

    it('has a kernel that counted what the scenario was made for', () => {
      const { router, flows, expected } = play();
      expect(router.counters).toMatchObject((expected.counters as object | undefined) ?? {});
      expect(flows.length).toBeGreaterThan(0);
      expect(flows.filter(({ original, reply }) => !original.packets || !reply.packets)).toEqual(
        [],
      );
      const deciding = knownRules(router).filter((rule) => decidedBy(flows, rule).flows > 0);
      for (const rule of deciding) {
        const rise = counterRise(router, rule);
        if (rise !== null)
          expect([rule.text, rise]).toEqual([rule.text, decidedBy(flows, rule).flows]);
      }
      const marks = Object.keys((expected.marks as Marks | undefined) ?? {});
      expect(marks.filter((mark) => !deciding.some(({ comment }) => comment === mark))).toEqual([]);
    });

    it.runIf(name.startsWith('kubernetes'))('has endpoints chosen by dice', () => {
      const { flows, expected } = play();
      const { services, masqueraded } = expected as unknown as KubernetesExpected;
      const chosen = flows.map(({ decider }) => /10\.200\.(\d+)\./.exec(decider.dst!.text)?.[1]);
      for (const [service, count] of Object.entries(services)) {
        expect([service, chosen.filter((one) => one === service).length]).toEqual([service, count]);
      }
      const endpoints = new Set(flows.map(({ decider }) => truthName(decider.dst)));
      expect(endpoints.size).toBeGreaterThan(Object.keys(services).length);
      expect(flows.filter(({ decider }) => decider.src !== null)).toHaveLength(masqueraded);
    });

    it('loses nothing', () => {
      const { ledger } = play().trace.end;
      expect(totalLost(ledger)).toBe(0);
      expect(ledger.rows.filter((row) => imbalance(row) !== 0)).toEqual([]);
    });

    it('names the rule that decided, for every flow and each manip', () => {
      const ours = open().map((row) => ({
        flow: flowKey(row),
        src: ruleName(ruleOf(row, 'src')),
        dst: ruleName(ruleOf(row, 'dst')),
      }));
      const theirs = play().flows.map(({ key, decider }) => ({
        flow: key,
        src: truthName(decider.src),
        dst: truthName(decider.dst),
      }));
      expect(ours.sort(byFlow)).toEqual(theirs.sort(byFlow));
    });

    it('has the flows, packets and bytes of each rule as the kernel counted them', () => {
      const { router, flows, trace } = play();
      const ours = summed(
        inNamespace(trace.rules, router)
          .filter((row) => Number(row.flows) > 0)
          .map((row) => ({ rule: ruleName(row), ...totals(row) })),
      );
      const theirs = knownRules(router)
        .map((rule) => ({ rule: truthName(rule), ...decidedBy(flows, rule) }))
        .filter((rule) => rule.flows > 0);
      expect(ours.sort(byRule)).toEqual(theirs.sort(byRule));
    });
  });
});

const byRule = (a: { rule: string | null }, b: { rule: string | null }) =>
  String(a.rule) < String(b.rule) ? -1 : 1;
const byFlow = (a: { flow: string }, b: { flow: string }) => (a.flow < b.flow ? -1 : 1);

type Totals = { readonly rule: string | null } & Readonly<Record<string, string | number | null>>;

/** A legacy rule has a row for each table it stood in: every change makes a new one. */
function summed(rows: readonly Totals[]): Totals[] {
  const byName = new Map<string | null, Totals>();
  for (const row of rows) {
    const known = byName.get(row.rule);
    const sum = ([name, value]: [string, string | number | null]) =>
      name === 'rule' ? [name, value] : [name, Number(value) + Number(known?.[name] ?? 0)];
    byName.set(row.rule, Object.fromEntries(Object.entries(row).map(sum)) as Totals);
  }
  return [...byName.values()];
}

function totals(row: Row) {
  const { flows, packets, packets_reply, bytes, bytes_reply } = row;
  return Object.fromEntries(
    Object.entries({ flows, packets, packets_reply, bytes, bytes_reply }).map(([key, value]) => [
      key,
      Number(value),
    ]),
  );
}
