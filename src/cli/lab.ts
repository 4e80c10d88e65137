/**
 * `conntrail lab`: a command, a shell or a scenario on a real kernel in a small
 * virtual machine; with `--here` a scenario on this very kernel.
 */
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { type GuestRequest, type GuestResult, runGuest } from '../lab/guest.ts';
import { DEFAULT_KERNEL, LAB_KERNELS } from '../lab/kernels.ts';
import { openScenario, scenarioNames, scenarioPath } from '../lab/scenario.ts';
import { TraceError } from '../model/error.ts';
import { playHere } from './lab-here.ts';
import { parseDurationMs, parseWhole } from './options.ts';

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
  truth?: boolean;
}

const LEAST_MEMORY_MIB = 256;

const EXAMPLES = `
The guest has this machine's root, read-only; what it writes is gone when it ends,
except the folder $OUT with --out. Environment: CONNTRAIL_LAB_CACHE (where kernels are
kept), CONNTRAIL_LAB_MIRROR (a Debian mirror, else the one in /etc/apt).

Exit status: the command's; 1 when the guest gave none

Examples:
  $ conntrail lab --scenario tour               # a first look: trace and explain some NAT
  $ conntrail lab --list                        # the kernels and scenarios there are
  $ conntrail lab -- uname -r                   # one command on kernel ${DEFAULT_KERNEL}
  $ conntrail lab --kernel 5.10 -- conntrail doctor
  $ conntrail lab --out DIR -- sh -c 'dmesg > $OUT/dmesg'
  $ conntrail lab --scenario redirect --truth -- --buffer 64KiB
  $ conntrail lab --shell                       # exit or Ctrl-A x ends it
  $ conntrail lab --here --scenario redirect    # on this kernel, as root`;

function parseMemory(text: string): number {
  const [, number, unit] = /^(\d+)([MG])$/i.exec(text) ?? [];
  const memoryMiB = Number(number) * (unit?.toUpperCase() === 'G' ? 1024 : 1);
  if (memoryMiB >= LEAST_MEMORY_MIB) return memoryMiB;
  throw new TraceError('usage', `memory: found "${text}", needed ${LEAST_MEMORY_MIB}M or more`, {
    hint: 'for example 2G',
  });
}

const say = (line: string) => process.stderr.write(`lab: ${line}\n`);

/** Waits where the reader is slow, and so makes the guest wait; not for one that has gone. */
async function forward(stream: NodeJS.WriteStream, chunk: Uint8Array): Promise<void> {
  if (!stream.write(chunk)) await Promise.race([once(stream, 'drain'), once(stream, 'close')]);
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
    const truth = options.truth ? ['--truth'] : [];
    const here = ['conntrail', 'lab', '--here', '--scenario', options.scenario, ...truth];
    return words.length > 0 ? [...here, '--', ...words] : here;
  }
  if (words.length > 0) return [...words];
  throw new TraceError('usage', 'nothing to run: found no command, --scenario, --shell or --list', {
    hint: 'conntrail lab --scenario tour',
  });
}

/** A scenario's trace is kept even where nobody said where. */
async function ownFolder({ scenario }: LabOptions): Promise<string | undefined> {
  if (scenario === undefined) return undefined;
  return mkdtemp(join(tmpdir(), `conntrail-${scenario.replaceAll('/', '-')}-`));
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
    const { scenario, out, truth = false } = options;
    const here = { scenario, out, truth, recordOptions: words };
    process.exitCode = await untilSignal((signal) => playHere(here, say, signal));
    return;
  }
  const outDir = options.out ?? (await ownFolder(options));
  const request: GuestRequest = {
    command: await commandOf(words, options),
    kernel: options.kernel,
    cpus: options.cpus,
    memoryMiB: options.memory,
    timeoutSec: Math.ceil(options.timeout / 1000),
    kernelArgs: options.kernelArg,
    shell: options.shell ?? false,
    refresh: options.refresh ?? false,
    ...(outDir === undefined ? {} : { outDir }),
    onStdout: (chunk) => forward(process.stdout, chunk),
    onStderr: (chunk) => forward(process.stderr, chunk),
    onProgress: say,
  };
  const result = await untilSignal((signal) => runGuest({ ...request, signal }));
  report(result);
  if (outDir !== undefined) say(`what it left is in ${outDir}`);
  process.exitCode = result.status;
}

export function labCommand(): Command {
  const kernels = LAB_KERNELS.map((kernel) => kernel.name);
  const append = (word: string, before: string[]) => [...before, word];
  return new Command('lab')
    .description('Run a command or a scenario on a real kernel in a small virtual machine.')
    .argument(
      '[command...]',
      'what to run in the guest, as root; with --scenario: options for conntrail record',
    )
    .addOption(
      new Option('--kernel <version>', 'kernel of the guest')
        .choices(kernels)
        .default(DEFAULT_KERNEL),
    )
    .option('--cpus <n>', 'CPUs of the guest', parseWhole('cpus', 1, 64), 2)
    .addOption(
      new Option('--memory <size>', 'memory of the guest')
        .argParser(parseMemory)
        .default(2048, '2G'),
    )
    .addOption(
      new Option('--timeout <duration>', 'end the guest after this long')
        .argParser(parseDurationMs)
        .default(300_000, '300s'),
    )
    .option('--out <dir>', 'gets what the command leaves in $OUT')
    .option('--kernel-arg <word>', "add to the kernel's command line; may be repeated", append, [])
    .option('--refresh', 'fetch the kernel anew')
    .option('--scenario <name>', 'trace a scenario: see --list')
    .option('--truth', 'with --scenario: also write truth.json, what the kernel itself counted')
    .option('--here', 'no guest: the scenario runs on this kernel')
    .option('--shell', 'a shell in the guest')
    .option('--list', 'list kernels and scenarios')
    .addHelpText('after', EXAMPLES)
    .action(runLab);
}
