/**
 * `npm run bench -- [--json] [FILE.capture...]`: the user side on a recorded
 * capture, enlarged, beside the obvious implementation of the same job. Fails
 * only where the two do not agree.
 */
import { fork } from 'node:child_process';
import type { Runs } from './figures.ts';
import { run } from './runs.ts';
import { asJson, asTable, type Results } from './table.ts';

const CAPTURES = ['test/bench/traffic.capture'];
const RUN = '--run';

/** Runs one thing in a process of its own. */
function inChild<Name extends keyof Runs>(
  name: Name,
  paths: readonly string[],
): Promise<Runs[Name]> {
  process.stderr.write(`bench: ${name}\n`);
  return new Promise((resolve, reject) => {
    const child = fork(process.argv[1]!, [RUN, name, ...paths]);
    let result: Runs[Name] | undefined;
    child.on('message', (message) => {
      result = message as Runs[Name];
    });
    child.on('exit', (status) => {
      if (status === 0 && result !== undefined) resolve(result);
      else reject(new Error(`bench: ${name} ended with status ${status}`));
    });
  });
}

async function measure(paths: readonly string[]): Promise<Results> {
  const equal = await inChild('equal', paths);
  const stages = await inChild('stages', paths);
  const ours = await inChild('ours', paths);
  const text = await inChild('text', paths);
  const oursAgain = await inChild('oursAgain', paths);
  const obvious = await inChild('obvious', paths);
  return { captures: paths, equal, stages, text, ours, oursAgain, obvious };
}

async function main(args: readonly string[]): Promise<void> {
  const [first, name, ...paths] = args;
  if (first === RUN) {
    const found = await run(name as keyof Runs, paths);
    process.send?.(found);
    return;
  }
  const given = args.filter((word) => !word.startsWith('-'));
  const results = await measure(given.length > 0 ? given : CAPTURES);
  process.stdout.write(args.includes('--json') ? asJson(results) : asTable(results));
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
