/** What a child process does: one thing, so that neither heap nor compiled code is shared. */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { explain } from '../../../src/cli/explain-run.ts';
import { exportCapture } from '../../../src/cli/export-run.ts';
import { readTrace, type TraceSink } from '../../../src/cli/trace-source.ts';
import { BatchView } from '../../../src/columns/batch-view.ts';
import { RuleExplanation } from '../../../src/explain/explain-rules.ts';
import { contextOf } from '../../../src/explain/trace-context.ts';
import type { TraceFacts } from '../../../src/model/facts.ts';
import { FLOWS, PACKETS, RULES } from '../../../src/model/tables.ts';
import type { Case, Made, Taken } from './cases.ts';
import { type Expected, makeTrace } from './make.ts';

/** As many flows as the program tells of if not asked for more. */
const SHOWN_FLOWS = 10;
const WHOLE = { detail: 'packets', sample: 1 } as const;
const READ = ['packets', 'flows', 'rules'] as const;

interface Runs {
  readonly make: Made;
  readonly read: Taken;
  readonly explain: Taken;
}

export type RunName = keyof Runs;

/** First word of a child's arguments. */
export const RUN = '--run';

const RUNS: {
  readonly [Name in RunName]: (one: Case, folder: string) => Promise<Runs[Name]>;
} = {
  make: makeAndCheck,
  read: (one, folder) =>
    taken(async () => {
      let rows = 0;
      const batch: TraceSink['batch'] = async (named) => {
        rows += named.batch.numRows;
      };
      await readTrace(pathOf(one, folder), READ, { facts: () => undefined, batch });
      assert.ok(rows > one.flows * one.packetsPerFlow);
    }),
  explain: (one, folder) =>
    taken(() => explain({ ...WHOLE, from: pathOf(one, folder), flows: SHOWN_FLOWS })),
};

export function runHere(name: RunName, one: Case, folder: string): Promise<Runs[RunName]> {
  return RUNS[name](one, folder);
}

function pathOf({ from }: Case, folder: string): string {
  return join(folder, from === 'capture' ? 'made.capture' : 'made');
}

async function makeAndCheck(one: Case, folder: string): Promise<Made> {
  const capture = join(folder, 'made.capture');
  const expected = await makeTrace(capture, one);
  if (one.from === 'parquet') {
    await exportCapture(capture, { out: pathOf(one, folder), table: 'packets', quiet: true });
  }
  await check(pathOf(one, folder), expected);
  return { rules: expected.rules, packets: expected.packets };
}

/** Each rule has decided what it was made to decide, and its counter agrees. */
async function check(path: string, expected: Expected): Promise<void> {
  const byRule = new RuleExplanation();
  let facts: TraceFacts | undefined;
  const ledger = await readTrace(path, READ, {
    facts: (found) => {
      facts = found;
    },
    batch: async ({ table, batch }) => {
      if (table === 'packets') byRule.addPackets(new BatchView(batch, PACKETS));
      else if (table === 'flows') byRule.addFlows(new BatchView(batch, FLOWS));
      else byRule.addRules(new BatchView(batch, RULES));
    },
  });
  const { rules, notHeld } = byRule.findings(contextOf(facts!, ledger));
  assert.equal(notHeld, 0);
  const handles = new Map(byRule.rows.map(({ number, handle }) => [number, handle]));
  const decided = (rules ?? [])
    .filter((rule) => rule.isNat && rule.decided.flows > 0)
    .map(({ rule, decided: { flows } }) => [handles.get(rule), flows]);
  const inOrder = (list: readonly (readonly (number | undefined)[])[]) =>
    [...list].sort(([a = 0], [b = 0]) => a - b);
  assert.deepEqual(inOrder(decided), inOrder(expected.decided));
}

async function taken(run: () => Promise<void>): Promise<Taken> {
  const [before, start] = [process.cpuUsage(), process.hrtime.bigint()];
  await run();
  const { user, system } = process.cpuUsage(before);
  return {
    cpuMs: (user + system) / 1000,
    elapsedMs: Number(process.hrtime.bigint() - start) / 1e6,
    peakBytes: process.resourceUsage().maxRSS * 1024,
  };
}

/** In a process of its own, whose words nobody reads. */
export function inChild<Name extends RunName>(
  name: Name,
  one: Case,
  folder: string,
): Promise<Runs[Name]> {
  const json = JSON.stringify(one);
  process.stderr.write(`bench: ${name} ${json}\n`);
  return new Promise((resolve, reject) => {
    const stdio = ['ignore', 'ignore', name === 'make' ? 'inherit' : 'ignore', 'ipc'] as const;
    const child = fork(process.argv[1]!, [RUN, name, json, folder], { stdio: [...stdio] });
    let result: Runs[Name] | undefined;
    child.on('message', (message) => {
      result = message as Runs[Name];
    });
    child.on('exit', (status, signal) => {
      if (status === 0 && result !== undefined) resolve(result);
      else reject(new Error(`bench: ${name} ended with ${signal ?? `status ${status}`}`));
    });
  });
}
