/**
 * The kernel's own tests of netfilter, as Debian ships them with its source,
 * untraced and then under one trace: none may come to another result. A script
 * whose results differ runs once more in both ways, since some hang on time.
 * What fails or is skipped without a tracer is known by name, and so is what is
 * not run at all: selftest-table.ts.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../../src/lab/place.ts';
import { quoteCommand } from '../../src/lab/quote.ts';
import { imbalance, totalLost } from '../../src/model/ledger.ts';
import { RecordKind } from '../../src/wire/layout.ts';
import { runInGuest } from './in-guest.ts';
import { kernelsOf } from './matrix.ts';
import {
  changedByTracing,
  failingUntraced,
  type Outcomes,
  outcomeOf,
  outcomeText,
  PASSES,
  type Pass,
} from './selftest-outcome.ts';
import { ensureSelftests, type Selftests } from './selftest-source.ts';
import { namesToRun, reasonOf, SELFTESTS, secondsOf } from './selftest-table.ts';
import { readCaptureTrace, type Trace } from './trace.ts';

const GUEST_SEC = 3 * 60 * 60;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conntrail-selftests-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function readOutcomes(outDir: string): Promise<Outcomes> {
  const outcomes = new Map<string, Partial<Record<Pass, string>>>();
  for (const pass of PASSES) {
    const names = await readdir(join(outDir, pass)).catch(() => []);
    for (const name of names.filter((one) => one.endsWith('.status'))) {
      const script = name.slice(0, -'.status'.length);
      const status = Number(await readFile(join(outDir, pass, name), 'utf8'));
      const log = await readFile(join(outDir, pass, `${script}.log`), 'utf8');
      const text = outcomeText(outcomeOf(status, log));
      outcomes.set(script, { ...outcomes.get(script), [pass]: text });
    }
  }
  return outcomes;
}

describe.each(kernelsOf('selftests.test.ts'))('kernel %s', (kernel) => {
  let selftests: Selftests;
  let outcomes: Outcomes;
  let trace: Trace;
  const own = (name: string) => join(folder, kernel, name);

  beforeAll(
    async () => {
      selftests = await ensureSelftests(kernel);
      const scripts = namesToRun(selftests.scripts).map((name) => `${name}:${secondsOf(name)}`);
      const runner = join(PACKAGE_ROOT, 'test/kernel/selftests.sh');
      const script = quoteCommand(['exec', 'bash', runner, selftests.folder, ...scripts]);
      await runInGuest(script, {
        kernel,
        outDir: own(''),
        timeoutSec: GUEST_SEC,
        onStdout: (chunk) => void process.stdout.write(chunk),
      });
      outcomes = await readOutcomes(own(''));
      trace = await readCaptureTrace(own('trace.capture'));
      const lines = [...outcomes].map(([name, by]) => `${name}: ${JSON.stringify(by)}`);
      console.log([`linux-source ${selftests.version}`, ...lines].join('\n'));
    },
    (GUEST_SEC + 900) * 1000,
  );

  it('has a line in the table for every script of this kernel', () => {
    expect(selftests.scripts.filter((name) => SELFTESTS[name] === undefined)).toEqual([]);
    expect([...outcomes.keys()].sort()).toEqual(namesToRun(selftests.scripts));
  });

  it('passes them without a tracer, but for those known not to', () => {
    const failing = failingUntraced(outcomes);
    expect(failing.filter((name) => reasonOf(name, kernel) === undefined)).toEqual([]);
  });

  it('changes the result of none by tracing', () => {
    const changed = changedByTracing(outcomes);
    expect(changed.map((name) => [name, outcomes.get(name)])).toEqual([]);
  });

  it.each(PASSES)('has a kernel that does not complain: %s', async (pass) => {
    const messages = await readFile(own(`${pass}.dmesg`), 'utf8');
    expect(
      messages
        .split('\n')
        .filter((line) => /Call trace|WARNING|BUG|Oops|INFO: (task|rcu)/i.test(line)),
    ).toEqual([]);
  });

  it('has a ledger that balances, and ends with the status that says whether all came', async () => {
    const { ledger } = trace.end;
    expect(ledger.rows.filter((row) => imbalance(row) !== 0)).toEqual([]);
    const packets = ledger.rows.filter((row) => row.probe === RecordKind.traversal);
    expect(packets.reduce((sum, row) => sum + row.delivered, 0)).toBeGreaterThan(0);
    expect(trace.packets.length).toBeGreaterThan(0);
    expect(trace.flows.length).toBeGreaterThan(0);
    const status = Number(await readFile(own('trace.status'), 'utf8'));
    expect(status).toBe(totalLost(ledger) === 0 ? 0 : 3);
  });
});
