/**
 * `conntrail table list` beside `conntrack -L`, on one table of mixed entries:
 * wall time and peak memory of each, and their ratios. First both must list
 * the same. Run by `npm run bench:table`, as root.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mixedLines } from '../../policy/table-mixed.ts';
import { cannotRun, TestNetns, timeless } from '../../policy/table-netns.ts';

const ENTRIES = Number(process.argv[2] ?? 100_000);
const ROUNDS = 7;
const POLL_MS = 5;
const MAIN = `${process.cwd()}/dist/cli/main.js`;

interface Run {
  readonly seconds: number;
  readonly peakKib: number;
}

function peakOf(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0);
  } catch {
    return 0; // ended meanwhile
  }
}

/** Once, its output thrown away; memory is looked at while it runs. */
async function run(command: readonly string[]): Promise<Run> {
  const [file, ...args] = command as [string, ...string[]];
  const start = performance.now();
  const child = spawn(file, args, { stdio: 'ignore' });
  let peakKib = 0;
  const timer = setInterval(() => {
    peakKib = Math.max(peakKib, peakOf(child.pid!));
  }, POLL_MS);
  const [status] = (await once(child, 'exit')) as [number];
  clearInterval(timer);
  if (status !== 0) throw new Error(`${command.join(' ')} ended with ${status}`);
  return { seconds: (performance.now() - start) / 1000, peakKib };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}

function outputOf(command: readonly string[]): string {
  const [file, ...args] = command as [string, ...string[]];
  return spawnSync(file, args, { encoding: 'utf8', maxBuffer: 1 << 30 }).stdout;
}

/** Turn by turn, so that what else the machine does falls on both. */
async function compare(theirs: readonly string[], ours: readonly string[]): Promise<string> {
  const [wanted, found] = [timeless(outputOf(theirs)), timeless(outputOf(ours))];
  if (wanted.join('\n') !== found.join('\n')) throw new Error('the lists differ');
  const runs: [Run[], Run[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    runs[0].push(await run(theirs));
    runs[1].push(await run(ours));
  }
  const [theirS, ourS] = runs.map((some) => median(some.map(({ seconds }) => seconds)));
  const [theirKib, ourKib] = runs.map((some) => median(some.map(({ peakKib }) => peakKib)));
  const time = `${theirS!.toFixed(2)} s, ours ${ourS!.toFixed(2)} s (${(ourS! / theirS!).toFixed(2)})`;
  const memory = `${theirKib} KiB, ours ${ourKib} KiB (${(ourKib! / theirKib!).toFixed(1)})`;
  return `${found.length} lines: conntrack ${time}; memory ${memory}`;
}

async function main(): Promise<void> {
  if (cannotRun !== undefined) throw new Error(`the benchmark ${cannotRun}`);
  const netns = new TestNetns();
  const inside = ['ip', 'netns', 'exec', netns.name];
  try {
    const input = `${mixedLines(ENTRIES).join('\n')}\n`;
    netns.run(process.execPath, [MAIN, 'table', 'restore', '-'], input);
    for (const args of [[], ['-o', 'extended,id'], ['-p', 'tcp', '--dport', '443']]) {
      const line = await compare(
        [...inside, 'conntrack', '-L', ...args],
        [...inside, process.execPath, MAIN, 'table', 'list', ...args],
      );
      process.stdout.write(`${args.join(' ') || 'all'}: ${line}\n`);
    }
  } finally {
    netns.remove();
  }
}

await main();
