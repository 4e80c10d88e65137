/**
 * `conntrail lab`: a command, a shell or a scenario on a real kernel in a small
 * virtual machine; with `--here` a scenario on this very kernel.
 */
import { once } from 'node:events';
import { Command, InvalidArgumentError, Option } from 'commander';
import { type GuestRequest, type GuestResult, runGuest } from '../lab/guest.ts';
import { DEFAULT_KERNEL, LAB_KERNELS } from '../lab/kernels.ts';
import { openScenario, scenarioNames, scenarioPath } from '../lab/scenario.ts';
import { TraceError } from '../model/error.ts';
import { playHere } from './lab-here.ts';

interface LabOptions {
  kernel: string;
  cpus: number;
  memory: number;
  timeout: number;
  out?: string;
  kernelArg: string[];
  refresh?: boolean;
  shell?: boolean;
  list?: boolean;
  scenario?: string;
  here?: boolean;
}

const EXAMPLES = `
Examples:
  conntrail lab --scenario tour                 a first look: trace and explain some NAT
  conntrail lab --list                          the kernels and scenarios there are
  conntrail lab -- uname -r                     one command on kernel ${DEFAULT_KERNEL}
  conntrail lab --kernel 5.10 -- conntrail doctor
  conntrail lab --out DIR -- sh -c 'dmesg > $OUT/dmesg'
  conntrail lab --shell                         a shell in the guest; exit or Ctrl-A x ends it
  conntrail lab --here --scenario redirect      on this kernel, as root`;

function parseCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count > 0) return count;
  throw new InvalidArgumentError('needed a whole number above 0, such as 2.');
}

function parseMemory(text: string): number {
  const [, number, unit] = /^(\d+)([MG])$/i.exec(text) ?? [];
  if (number === undefined) throw new InvalidArgumentError('needed a size such as 2G or 1536M.');
  const memoryMiB = Number(number) * (unit?.toUpperCase() === 'G' ? 1024 : 1);
  if (memoryMiB < 256) throw new InvalidArgumentError('needed 256M or more.');
  return memoryMiB;
}

function parseSeconds(text: string): number {
  const [, number, unit] = /^(\d+)([sm]?)$/.exec(text) ?? [];
  const seconds = Number(number) * (unit === 'm' ? 60 : 1);
  if (seconds > 0) return seconds;
  throw new InvalidArgumentError('needed a duration such as 300s or 5m.');
}

const say = (line: string) => process.stderr.write(`lab: ${line}\n`);

/** Waits where the reader is slow, and so makes the guest wait. */
async function forward(stream: NodeJS.WriteStream, chunk: Uint8Array): Promise<void> {
  if (!stream.write(chunk)) await once(stream, 'drain');
}

async function list(): Promise<void> {
  const lines = ['kernels:', ...LAB_KERNELS.map((k) => `  ${k.name.padEnd(16)} ${k.suites[0]}`)];
  lines.push('scenarios:');
  for (const name of await scenarioNames()) {
    const { title } = await openScenario(await scenarioPath(name));
    lines.push(`  ${name.padEnd(16)} ${title}`);
  }
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** What the guest is to run: the words given, or a scenario on its own kernel. */
async function commandOf(words: readonly string[], options: LabOptions): Promise<string[]> {
  if (options.shell) return ['true'];
  if (options.scenario !== undefined) {
    await openScenario(await scenarioPath(options.scenario)); // refuses before anything boots
    return ['conntrail', 'lab', '--here', '--scenario', options.scenario];
  }
  if (words.length > 0) return [...words];
  throw new TraceError('usage', 'nothing to run: found no command, --scenario, --shell or --list', {
    hint: 'conntrail lab --scenario tour',
  });
}

function report(result: GuestResult): void {
  const [first, ...more] = result.kernelWarnings;
  if (first === undefined) return;
  const others = more.length > 0 ? ` and ${more.length} more` : '';
  say(`the guest's kernel warned: ${first}${others}; see ${result.consolePath}`);
}

/** Runs work that SIGINT and SIGTERM call off in an orderly way. */
async function untilSignal<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const abort = () => controller.abort();
  process.on('SIGINT', abort).on('SIGTERM', abort);
  try {
    return await work(controller.signal);
  } finally {
    process.off('SIGINT', abort).off('SIGTERM', abort);
  }
}

async function runLab(words: string[], options: LabOptions): Promise<void> {
  if (options.list) return list();
  if (options.here) {
    if (options.scenario === undefined) {
      throw new TraceError('usage', 'found --here without --scenario, needed both', {
        hint: 'conntrail lab --here --scenario tour',
      });
    }
    process.exitCode = await playHere(options.scenario, options.out, say);
    return;
  }
  const request: GuestRequest = {
    command: await commandOf(words, options),
    kernel: options.kernel,
    cpus: options.cpus,
    memoryMiB: options.memory,
    timeoutSec: options.timeout,
    kernelArgs: options.kernelArg,
    shell: options.shell ?? false,
    refresh: options.refresh ?? false,
    ...(options.out === undefined ? {} : { outDir: options.out }),
    onStdout: (chunk) => forward(process.stdout, chunk),
    onStderr: (chunk) => forward(process.stderr, chunk),
    onProgress: say,
  };
  const result = await untilSignal((signal) => runGuest({ ...request, signal }));
  report(result);
  process.exitCode = result.status;
}

export function labCommand(): Command {
  const kernels = LAB_KERNELS.map((kernel) => kernel.name);
  const append = (word: string, before: string[]) => [...before, word];
  return new Command('lab')
    .description('run a command or a scenario on a real kernel in a small virtual machine')
    .argument('[command...]', 'what to run in the guest, as root; its status is ours')
    .addOption(
      new Option('--kernel <version>', 'kernel of the guest')
        .choices(kernels)
        .default(DEFAULT_KERNEL),
    )
    .option('--cpus <n>', 'CPUs of the guest', parseCount, 2)
    .option('--memory <size>', 'memory of the guest', parseMemory, 2048)
    .option('--timeout <duration>', 'end the guest after this long', parseSeconds, 300)
    .option('--out <dir>', 'gets what the command leaves in $OUT')
    .option('--kernel-arg <word>', "add to the kernel's command line; may be repeated", append, [])
    .option('--refresh', 'fetch the kernel anew')
    .option('--scenario <name>', 'trace a scenario: see --list')
    .option('--here', 'no guest: the scenario runs on this kernel')
    .option('--shell', 'a shell in the guest')
    .option('--list', 'list kernels and scenarios')
    .addHelpText('after', EXAMPLES)
    .action(runLab);
}
