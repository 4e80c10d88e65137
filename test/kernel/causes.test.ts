/**
 * A scenario per cause for which a rule's counter stays behind the packets that
 * look like its own: the kernel counts in each what its file says.
 */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runGuest } from '../../src/lab/guest.ts';
import { openScenario, scenarioNames, scenarioPath } from '../../src/lab/scenario-file.ts';
import type { NamespaceTruth } from '../../src/lab/truth.ts';
import { totalLost } from '../../src/model/ledger.ts';
import { readCaptureTrace, readTruth } from './trace.ts';

const SCENARIOS = (await scenarioNames()).filter((name) => /^(cause-|stale-)/.test(name));

/** Where the traffic itself failed, a scenario is played once more. */
const SCRIPT = `
play() { conntrail lab --here --scenario $1 --truth --out $OUT/$1 -- --out $OUT/$1/trace.capture -q; }
for name in ${SCENARIOS.join(' ')}; do
  play $name || { echo "$name: played once more" >&2; play $name; } || exit 1
done`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conntrail-causes-'));
  let said = '';
  const { status, kernelWarnings } = await runGuest({
    command: ['sh', '-c', SCRIPT],
    outDir: folder,
    timeoutSec: 1150,
    onStderr: (chunk) => {
      said += chunk.toString();
    },
  });
  expect(status, said).toBe(0);
  expect(kernelWarnings).toEqual([]);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const truthOf = async (name: string): Promise<Readonly<Record<string, NamespaceTruth>>> =>
  (await readTruth(join(folder, name))).namespaces;
const expectedOf = async (name: string) => (await openScenario(await scenarioPath(name))).expect;

/** By namespace and rule, `ip nat output comment replies`: packets by cause. */
type Causes = Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, number>>>>>>;

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
    const { end } = await readCaptureTrace(join(folder, name, 'trace.capture'));
    expect(totalLost(end.ledger)).toBe(0);
  });
});

/** What `conntrail explain --json` prints, as far as it is compared. */
interface Explained {
  readonly rules: readonly {
    readonly name: string;
    readonly netns: number;
    readonly text: string;
    readonly couldMatch: number;
    readonly certainty: string;
    readonly decided: { readonly packets: number };
    readonly causes: readonly Told[];
    readonly notes: readonly Told[];
  }[];
}

interface Told {
  readonly cause: string;
  readonly packets: number | null;
  readonly next: string;
}

function explained(place: string): Explained {
  const program = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [program, 'explain', '--from', place, '--json'],
    { encoding: 'utf8', maxBuffer: 1 << 26 },
  );
  expect([status, stderr]).toEqual([0, expect.stringContaining('none lost')]);
  return JSON.parse(stdout) as Explained;
}

/** Causes that are no part of the sum: of the rule as a whole. */
const NOTES = [
  'no such traffic seen',
  'other network namespace',
  'bypassed by a flowtable',
  'counter reset or rules reloaded',
];

describe.each(SCENARIOS)('explain, of %s', (name) => {
  const explain = () => explained(join(folder, name, 'trace.capture'));

  it('has sums that add up for every rule, and nothing that is not explained', () => {
    for (const { name: rule, couldMatch, decided, causes, certainty } of explain().rules) {
      const sum = causes.reduce((total, { packets }) => total + (packets ?? 0), decided.packets);
      expect([rule, sum, certainty]).toEqual([rule, couldMatch, 'known']);
      expect([rule, causes.map(({ cause }) => cause)]).toEqual([
        rule,
        expect.not.arrayContaining(['not explained']),
      ]);
    }
  });

  it('says of each rule what it was made for, and only that', async () => {
    const { rules } = explain();
    const truth = await truthOf(name);
    for (const [namespace, expected] of Object.entries((await expectedOf(name)).causes as Causes)) {
      for (const [rule, causes] of Object.entries(expected)) {
        const comment = / comment (.*)$/.exec(rule)![1]!;
        const found = rules.filter(
          ({ netns, text }) =>
            netns === truth[namespace]!.inode &&
            new RegExp(`comment "?${comment}"?( |$)`).test(text),
        );
        const told = (list: readonly Told[]) =>
          Object.fromEntries(list.map(({ cause, packets }) => [cause, packets]));
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
