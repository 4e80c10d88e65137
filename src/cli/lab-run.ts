/** What `conntrail lab` does; lab.ts says how it is called. */
import { once } from 'node:events';
import { access, constants, mkdtemp, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeFolder } from '../export/make-folder.ts';
import { type GuestRequest, type GuestResult, runGuest } from '../lab/guest.ts';
import { LAB_KERNELS } from '../lab/kernels.ts';
import { openScenario, scenarioNames, scenarioPath } from '../lab/scenario-file.ts';
import { fileError, TraceError } from '../model/error.ts';
import { playHere } from './lab-here.ts';
import { writeOut } from './write-out.ts';

export interface LabOptions {
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

const say = (line: string) => process.stderr.write(`lab: ${line}\n`);

/** Waits where the reader is slow, and so makes the guest wait; not for one that has gone. */
async function forward(stream: NodeJS.WriteStream, chunk: Uint8Array): Promise<void> {
  if (!stream.write(chunk)) await Promise.race([once(stream, 'drain'), once(stream, 'close')]);
}

async function list(): Promise<void> {
  const lines = ['kernels:', ...LAB_KERNELS.map((k) => `  ${k.name.padEnd(16)} ${k.suites[0]}`)];
  lines.push('scenarios:');
  const names = await scenarioNames();
  const width = Math.max(...names.map((name) => name.length));
  for (const name of names) {
    const { title } = await openScenario(await scenarioPath(name));
    lines.push(`  ${name.padEnd(width)} ${title}`);
  }
  await writeOut(`${lines.join('\n')}\n`);
}

/** What the guest is to run: the words given, or a scenario on its own kernel. */
async function commandOf(words: readonly string[], options: LabOptions): Promise<string[]> {
  if (options.shell) return ['true'];
  if (options.scenario !== undefined) {
    for (const name of options.scenario.split(',')) {
      await openScenario(await scenarioPath(name)); // refuses before anything boots
    }
    const truth = options.truth ? ['--truth'] : [];
    const here = ['conntrail', 'lab', '--here', '--scenario', options.scenario, ...truth];
    return words.length > 0 ? [...here, '--', ...words] : here;
  }
  if (words.length > 0) return [...words];
  throw new TraceError('usage', 'nothing to run: found no command, --scenario, --shell or --list', {
    hint: 'conntrail lab --scenario tour',
  });
}

async function prepareFolder(folder: string): Promise<void> {
  try {
    await makeFolder(folder);
    if (!(await stat(folder)).isDirectory()) throw new Error('a file, needed a folder');
    await access(folder, constants.W_OK);
  } catch (error) {
    throw fileError('use', folder, error);
  }
}

/** A scenario's trace is kept even where nobody said where. */
async function ownFolder({ scenario }: LabOptions): Promise<string | undefined> {
  if (scenario === undefined) return undefined;
  return mkdtemp(join(tmpdir(), `conntrail-${scenario.replaceAll(/[/,]/g, '-')}-`));
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

export async function runLab(words: readonly string[], options: LabOptions): Promise<void> {
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
  if (outDir !== undefined) await prepareFolder(outDir); // before minutes go into a guest
  let refused: unknown;
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
    onStdout: (chunk) =>
      writeOut(chunk).catch((error: unknown) => {
        refused = error; // nothing more is printed; the guest goes on to its end
        throw error;
      }),
    onStderr: (chunk) => forward(process.stderr, chunk),
    onProgress: say,
  };
  const result = await untilSignal((signal) => runGuest({ ...request, signal }));
  if (refused !== undefined) throw refused;
  report(result);
  if (outDir !== undefined) say(`what it left is in ${outDir}`);
  process.exitCode = result.status;
}
