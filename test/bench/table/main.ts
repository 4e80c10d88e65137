/**
 * `conntrail table list` beside `conntrack -L`, on one table of mixed entries:
 * wall time, processor time and peak memory of each, and their ratios. First both must list
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
  /** Of the processor, by ticks of 10 ms. */
  readonly busyS: number;
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

/** What the processes that ended so far have taken: cutime and cstime of /proc/self/stat. */
function childrenS(): number {
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

/** Once, its output thrown away; memory is looked at while it runs. */
async function run(command: readonly string[]): Promise<Run> {
  const [file, ...args] = command as [string, ...string[]];
  const start = performance.now();
  const busyBefore = childrenS();
  const child = spawn(file, args, { stdio: 'ignore' });
  let peakKib = 0;
  const timer = setInterval(() => {
    peakKib = Math.max(peakKib, peakOf(child.pid!));
  }, POLL_MS);
  const [status] = (await once(child, 'exit')) as [number];
  clearInterval(timer);
  if (status !== 0) throw new Error(`${command.join(' ')} ended with ${status}`);
  const seconds = (performance.now() - start) / 1000;
  return { seconds, busyS: childrenS() - busyBefore, peakKib };
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
  const both = (unit: string, digits: number, of: (run: Run) => number): string => {
    const [their, our] = runs.map((some) => median(some.map(of))) as [number, number];
    const ratio = (our / their).toFixed(2);
    return `${their.toFixed(digits)} ${unit}, ours ${our.toFixed(digits)} ${unit} (${ratio})`;
  };
  const time = both('s', 2, ({ seconds }) => seconds);
  const busy = both('s', 2, ({ busyS }) => busyS);
  const memory = both('KiB', 0, ({ peakKib }) => peakKib);
  return `${found.length} lines: conntrack ${time}; processor ${busy}; memory ${memory}`;
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
