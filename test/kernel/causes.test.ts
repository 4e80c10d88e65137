/**
 * A scenario per cause for which a rule's counter stays behind the packets that
 * look like its own: the kernel counts in each what its file says. The kernels
 * are those of matrix.ts.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openScenario, scenarioNames, scenarioPath } from '../../src/lab/scenario-file.ts';
import type { NamespaceTruth } from '../../src/lab/truth.ts';
import { totalLost } from '../../src/model/ledger.ts';
import { type Explained, explain, type Told } from './explained.ts';
import { playScript, runInGuest } from './in-guest.ts';
import { hasLegacy, kernelsOf } from './matrix.ts';
import { readCaptureTrace, readTruth } from './trace.ts';

const ALL = (await scenarioNames()).filter((name) => /^(cause-|stale-)/.test(name));
/** Their rules are those of legacy iptables. */
const LEGACY = ['cause-backend', 'cause-zeroed'];
const scenariosOf = (kernel: string) =>
  ALL.filter((name) => hasLegacy(kernel) || !LEGACY.includes(name));

/** So many under one recording: rules of at most 64 namespaces are read. */
const AT_ONCE = 10;

const expectedOf = async (name: string) => (await openScenario(await scenarioPath(name))).expect;

/** By namespace and rule, `ip nat output comment replies`: packets by cause. */
type Causes = Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, number>>>>>>;

/** Causes that are no part of the sum: of the rule as a whole. */
const NOTES = [
  'no such traffic seen',
  'other network namespace',
  'bypassed by a flowtable',
  'counter reset or rules reloaded',
];

/** Packets by cause, whoever came before. */
function told(list: readonly Told[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { cause, packets } of list) sums[cause] = (sums[cause] ?? 0) + (packets ?? 0);
  return sums;
}

describe.each(kernelsOf('causes.test.ts'))('kernel %s', (kernel) => {
  const SCENARIOS = scenariosOf(kernel);
  const RECORDINGS = SCENARIOS.filter((_, place) => place % AT_ONCE === 0).map((_, number) =>
    SCENARIOS.slice(number * AT_ONCE, (number + 1) * AT_ONCE),
  );
  const recordingOf = (name: string) =>
    String(RECORDINGS.findIndex((scenarios) => scenarios.includes(name)));

  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'conntrail-causes-'));
    const script = RECORDINGS.map((scenarios, number) => playScript(scenarios, `$OUT/${number}`));
    await runInGuest(script.join('\n'), { kernel, outDir: folder, timeoutSec: 1150 });
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const captureOf = (name: string) => join(folder, recordingOf(name), 'trace.capture');
  const truthOf = async (name: string): Promise<Readonly<Record<string, NamespaceTruth>>> =>
    (await readTruth(join(folder, recordingOf(name), name))).namespaces;

  describe.each(SCENARIOS)('%s', (name) => {
    it('has the counters that it was made for', async () => {
      const { counters = {} } = await expectedOf(name);
      const { router } = await truthOf(name);
      expect(router?.counters).toMatchObject(counters as object);
    });

    it('names rules that are there at its end', async () => {
      const causes = (await expectedOf(name)).causes as Causes;
      const truth = await truthOf(name);
      for (const [namespace, rules] of Object.entries(causes)) {
        const listed = truth[namespace]!.rules.end.map(
          ({ family, table, chain, comment }) => `${family} ${table} ${chain} comment ${comment}`,
        );
        expect(listed).toEqual(expect.arrayContaining(Object.keys(rules)));
      }
    });

    it('loses nothing', async () => {
      const { end } = await readCaptureTrace(captureOf(name));
      expect(totalLost(end.ledger)).toBe(0);
    });
  });

  const explained = new Map<string, Explained>();

  /** Of the namespaces of a scenario. */
  async function rulesOf(name: string): Promise<Explained['rules']> {
    const recording = recordingOf(name);
    const { rules } = explained.get(recording) ?? explain(captureOf(name));
    explained.set(recording, { rules });
    const inodes = Object.values(await truthOf(name)).map(({ inode }) => inode);
    return rules.filter(({ netns }) => inodes.includes(netns));
  }

  describe.each(SCENARIOS)('explain, of %s', (name) => {
    it('has sums that add up for every rule, and nothing that is not explained', async () => {
      for (const { name: rule, couldMatch, decided, causes, certainty } of await rulesOf(name)) {
        const sum = causes.reduce((total, { packets }) => total + (packets ?? 0), decided.packets);
        expect([rule, sum, certainty]).toEqual([rule, couldMatch, 'known']);
        expect([rule, causes.map(({ cause }) => cause)]).toEqual([
          rule,
          expect.not.arrayContaining(['not explained']),
        ]);
      }
    });

    it('says of each rule what it was made for, and only that', async () => {
      const rules = await rulesOf(name);
      const truth = await truthOf(name);
      for (const [namespace, expected] of Object.entries(
        (await expectedOf(name)).causes as Causes,
      )) {
        for (const [rule, causes] of Object.entries(expected)) {
          const comment = / comment (.*)$/.exec(rule)![1]!;
          const found = rules.filter(
            ({ netns, text }) =>
              netns === truth[namespace]!.inode &&
              new RegExp(`comment "?${comment}"?( |$)`).test(text),
          );
          const [notes, summed] = [true, false].map((isNote) =>
            Object.entries(causes).filter(([cause]) => NOTES.includes(cause) === isNote),
          );
          expect([rule, told(found.flatMap((one) => one.causes))]).toEqual([
            rule,
            Object.fromEntries(summed!),
          ]);
          expect([rule, Object.keys(told(found.flatMap((one) => one.notes)))]).toEqual([
            rule,
            notes!.map(([cause]) => cause),
          ]);
          for (const { next } of found.flatMap((one) => [...one.causes, ...one.notes])) {
            expect(next).not.toBe('');
          }
        }
      }
    });
  });

  describe('packets at the router', () => {
    const at = async (name: string, hook: 'prerouting' | 'output' | 'forward') =>
      (await truthOf(name)).router!.hooks![hook].early;

    it.each([
      ['cause-reply', 'output', 'ipv4 udp', 12],
      ['cause-mapped', 'prerouting', 'ipv4 udp', 12],
      ['cause-hook', 'output', 'ipv4 udp', 6],
      ['cause-untracked', 'prerouting', 'ipv4 udp', 28],
      ['cause-invalid', 'prerouting', 'ipv4 tcp', 3],
      ['cause-dropped', 'prerouting', 'ipv4 udp', 9],
      ['cause-netns', 'prerouting', 'ipv4 udp', 6],
      ['cause-flowtable', 'prerouting', 'ipv4 udp', 2],
      ['stale-udp', 'forward', 'ipv4 udp', 18],
    ] as const)('%s: as many at %s as it sends', async (name, hook, traffic, packets) => {
      expect((await at(name, hook))[traffic]).toBe(packets);
    });
  });
});
