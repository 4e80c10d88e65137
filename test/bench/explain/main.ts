/**
 * `npm run bench:explain -- [--times 2] [--only flat,kubernetes] [--json]`: what
 * explaining a recorded trace of many flows under many NAT rules takes, beside
 * reading it. Fails where a rule is not said to have decided what it did.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { keepHeapSmall } from '../../../src/cli/small-heap.ts';
import { CASES, type Case, type Result } from './cases.ts';
import { inChild, RUN, type RunName, runHere } from './explain-runs.ts';
import { explainJson, explainTable } from './explain-table.ts';

function readOptions() {
  const { values } = parseArgs({
    options: {
      times: { type: 'string', default: '2' },
      only: { type: 'string', default: 'flat,kubernetes' },
      json: { type: 'boolean', default: false },
    },
  });
  const times = Number(values.times);
  if (!(times >= 1)) throw new Error(`found --times ${values.times}, needed a number from 1 on`);
  const only = values.only.split(',');
  return { times, json: values.json, cases: CASES.filter(({ form }) => only.includes(form)) };
}

/** The two in turn: what else the machine does then meets both. */
async function measure(one: Case, times: number): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'conntrail-bench-'));
  try {
    const made = await inChild('make', one, folder);
    const [reading, explaining] = [[], []] as [Result['reading'][], Result['explaining'][]];
    for (let turn = 0; turn < times; turn++) {
      reading.push(await inChild('read', one, folder));
      explaining.push(await inChild('explain', one, folder));
    }
    const best = (list: Result['reading'][]) => list.sort((a, b) => a.cpuMs - b.cpuMs)[0]!;
    return { ...one, ...made, reading: best(reading), explaining: best(explaining) };
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function main(args: readonly string[]): Promise<void> {
  const [first, name, json, folder] = args;
  if (first === RUN) {
    keepHeapSmall(); // as the program does
    process.send?.(await runHere(name as RunName, JSON.parse(json!) as Case, folder!));
    return;
  }
  const options = readOptions();
  const results: Result[] = [];
  for (const one of options.cases) results.push(await measure(one, options.times));
  process.stdout.write(options.json ? explainJson(results) : explainTable(results));
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
