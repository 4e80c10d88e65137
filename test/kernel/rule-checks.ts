/**
 * What a trace says of rules, of one scenario, against the kernel's own account:
 * the mark the rule left in the entry, the endpoint in the reply tuple, the
 * rules' counters, and what nft counted per entry.
 */
import { join } from 'node:path';
import { expect, it } from 'vitest';
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
import type { Explained } from './explained.ts';
import { inNamespace, type Row, readTruth, type Trace } from './trace.ts';

/** Of the scenarios with services: flows by service, and how many are masqueraded. */
interface KubernetesExpected {
  readonly services: Readonly<Record<string, number>>;
  readonly masqueraded: number;
}

export interface Played {
  readonly trace: Trace;
  readonly explained: Explained;
  readonly router: NamespaceTruth;
  readonly flows: readonly DecidedFlow[];
  readonly expected: Readonly<Record<string, unknown>>;
}

/** What scenario `name` left in `folder`, under the recording `trace`. */
export async function readPlayed(
  folder: string,
  name: string,
  trace: Trace,
  explained: Explained,
): Promise<Played> {
  const { expect: expected } = await openScenario(await scenarioPath(name));
  const router = (await readTruth(join(folder, name))).namespaces.router!;
  const flows = decidedFlows(router, expected.marks as Marks | undefined);
  return { trace, explained, router, flows, expected };
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

export interface PlayedAs {
  readonly scenario: string;
  readonly detail: 'packets' | 'flows';
  /** False: with flows alone this kernel tells what it counted only of entries that end. */
  readonly tellsOpen?: boolean;
}

/** The tests of one scenario, within a describe of its own. */
export function checkRules(as: PlayedAs, play: () => Played): void {
  const { scenario, detail, tellsOpen = true } = as;
  /** Those that lived when the kernel's table was read; some ended before the recording did. */
  const listed = () => {
    const theirs = new Set(play().flows.map(({ key }) => key));
    return inNamespace(play().trace.flows, play().router).filter(
      (row) => isConfirmed(row) && (row.end === 'open' || theirs.has(flowKey(row))),
    );
  };
  const isKubernetes = scenario.startsWith('kubernetes');
  const ruleOf = (row: Row, manip: string) =>
    play().trace.rules.find((rule) => rule.rule === row[`${manip}_rule`]);

  it('has a kernel that counted what the scenario was made for', () => {
    const { router, flows, expected } = play();
    expect(router.counters).toMatchObject((expected.counters as object | undefined) ?? {});
    expect(flows.length).toBeGreaterThan(0);
    expect(flows.filter(({ original, reply }) => !original.packets || !reply.packets)).toEqual([]);
    const deciding = knownRules(router).filter((rule) => decidedBy(flows, rule).flows > 0);
    for (const rule of deciding) {
      const rise = counterRise(router, rule);
      if (rise !== null)
        expect([rule.text, rise]).toEqual([rule.text, decidedBy(flows, rule).flows]);
    }
    const marks = Object.keys((expected.marks as Marks | undefined) ?? {});
    expect(marks.filter((mark) => !deciding.some(({ comment }) => comment === mark))).toEqual([]);
  });

  const itsServices = () => {
    const { flows, expected } = play();
    const { services, masqueraded } = expected as unknown as KubernetesExpected;
    const chosen = flows.map(({ decider }) => /10\.200\.(\d+)\./.exec(decider.dst!.text)?.[1]);
    for (const [service, count] of Object.entries(services)) {
      expect([service, chosen.filter((one) => one === service).length]).toEqual([service, count]);
    }
    const endpoints = new Set(flows.map(({ decider }) => truthName(decider.dst)));
    expect(endpoints.size).toBeGreaterThan(Object.keys(services).length);
    expect(flows.filter(({ decider }) => decider.src !== null)).toHaveLength(masqueraded);
  };
  if (isKubernetes) it('has endpoints chosen by dice', itsServices);

  it('loses nothing', () => {
    const { ledger } = play().trace.end;
    expect(totalLost(ledger)).toBe(0);
    expect(ledger.rows.filter((row) => imbalance(row) !== 0)).toEqual([]);
  });

  it('names the rule that decided, for every flow and each manip', () => {
    const ours = listed().map((row) => ({
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

  const decidingRules = () => {
    const { router, flows, trace } = play();
    const ours = summed(
      inNamespace(trace.rules, router)
        .filter((row) => Number(row.flows) > 0)
        .map((row) => ({ rule: ruleName(row), ...totals(row) })),
    );
    const theirs = knownRules(router)
      .map((rule) => ({ rule: truthName(rule), ...decidedBy(flows, rule) }))
      .filter((rule) => rule.flows > 0);
    return { ours: ours.sort(byRule), theirs: theirs.sort(byRule) };
  };

  if (detail === 'packets' || tellsOpen) {
    it('has the flows, packets and bytes of each rule as the kernel counted them', () => {
      const { ours, theirs } = decidingRules();
      expect(ours).toEqual(theirs);
    });
  } else {
    it('has the flows of each rule; packets of those that stay are not available, and it says so', () => {
      const { ours, theirs } = decidingRules();
      const flowsOf = ({ rule, flows }: Totals) => [rule, flows];
      expect(ours.map(flowsOf)).toEqual(theirs.map(flowsOf));
      for (const [at, { packets }] of ours.entries()) {
        expect(Number(packets)).toBeLessThanOrEqual(theirs[at]!.packets);
      }
      expect(play().trace.facts.notAvailable.join('\n')).toContain(
        'packets of flows that outlive the trace: this kernel has no bpf_for_each_map_elem()',
      );
    });
  }

  if (detail === 'packets') {
    it('is explained: sums add up, and counters agree or it is known why not', () => {
      const own = rulesOf(play());
      expect(own.length).toBeGreaterThan(4);
      for (const { name: rule, couldMatch, decided, causes, counter, removedAt } of own) {
        const sum = causes.reduce((total, { packets }) => total + (packets ?? 0), 0);
        expect([rule, sum + decided.packets]).toEqual([rule, couldMatch]);
        expect([rule, causes.filter(({ cause }) => cause === 'not explained')]).toEqual([rule, []]);
        if (removedAt === null) expect([rule, counter?.why ?? '']).toEqual([rule, '']);
      }
    });
  }

  const jumps = () => {
    const { router, flows } = play();
    const texts = knownRules(router);
    const ways = rulesOf(play()).flatMap(({ paths }) => paths.map(({ path }) => path));
    const endpoints = new Set(flows.map(({ decider }) => decider.dst!.chain));
    expect(new Set(ways.map((path) => path.at(-1)))).toEqual(
      new Set([...endpoints, 'KUBE-POSTROUTING']),
    );
    for (const path of ways) {
      expect(['PREROUTING', 'OUTPUT', 'POSTROUTING']).toContain(path[0]);
      const missing = path.slice(1).filter((chain, place) => {
        const jump = new RegExp(` -[jg] ${chain}( |$)`);
        return !texts.some((rule) => rule.chain === path[place] && jump.test(` ${rule.text}`));
      });
      expect([path, missing]).toEqual([path, []]);
    }
  };
  // native rules of kube-proxy jump by maps, whose elements are in no rule's text
  if (isKubernetes && detail === 'packets' && scenario.includes('iptables')) {
    it('names the chains that led to each rule, as the kernel lists their jumps', jumps);
  }
}

const rulesOf = ({ explained, router }: Played) =>
  explained.rules.filter(({ netns }) => netns === router.inode);

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
