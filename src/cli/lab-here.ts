/** A scenario on this very kernel, with the tracer beside it, and what the trace then says. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MAIN_SCRIPT } from '../lab/place.ts';
import type { Recorder } from '../lab/play.ts';
import type { Scenario } from '../lab/scenario.ts';
import { openScenario, scenarioPath } from '../lab/scenario-file.ts';
import { type Part, playTogether } from '../lab/together.ts';
import { ended } from '../lab/tool.ts';
import { TruthKeeper } from '../lab/truth.ts';
import { TraceError } from '../model/error.ts';

const READY_MS = 600_000;

/** conntrail itself as a child. Its standard output is data only when it prints a result. */
function conntrail(args: readonly string[], stdout: 'inherit' | 'ignore'): ChildProcess {
  // in a process group of its own: Ctrl-C reaches it through us, in good order
  const stdio = ['ignore', stdout, 'inherit'] as const;
  return spawn(process.execPath, [MAIN_SCRIPT, ...args], { stdio: [...stdio], detached: true });
}

async function waitForFile(path: string, child: ChildProcess): Promise<void> {
  const end = Date.now() + READY_MS;
  while (Date.now() < end) {
    if (existsSync(path)) return;
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new TraceError('failed', `conntrail record ended with status ${child.exitCode}`);
    }
    await sleep(20);
  }
  child.kill('SIGKILL');
  throw new TraceError('failed', `conntrail record was not ready within ${READY_MS / 1000} s`);
}

export interface HereOptions {
  /** One, or several separated by commas: under one recording. */
  readonly scenario: string;
  /** Where the trace goes; $OUT in a guest, else a folder of its own. */
  readonly out?: string | undefined;
  /** Write truth.json beside the trace: what the kernel itself counted. */
  readonly truth: boolean;
  /** Options for `conntrail record`; with an --out among them nothing is shown afterwards. */
  readonly recordOptions: readonly string[];
}

/** Starts and ends `conntrail record`; its exit status is known after the end. */
function recorder(ready: string, options: readonly string[]): Recorder & { status(): number } {
  let child: ChildProcess | undefined;
  let status = 1;
  return {
    status: () => status,
    async start() {
      child = conntrail(['record', '--ready-file', ready, ...options], 'ignore');
      await waitForFile(ready, child);
    },
    async stop() {
      if (!child) return;
      const end = ended(child);
      child.kill('SIGINT');
      status = await end;
    },
  };
}

/** The kernel's own account is taken around the trace: begun before it, ended within it. */
function withTruth(recorder: Recorder, scenario: Scenario, out: string): Recorder {
  let truth: TruthKeeper | undefined;
  return {
    async start(net) {
      truth = await TruthKeeper.begin(net, scenario);
      await recorder.start(net);
    },
    async stop(net) {
      try {
        if (truth !== undefined) {
          await writeFile(
            join(out, 'truth.json'),
            `${JSON.stringify(await truth.end(), null, 1)}\n`,
          );
        }
      } finally {
        await truth?.abort();
        await recorder.stop(net);
      }
    },
  };
}

/** Of several scenarios each has a folder for what the kernel counted. */
async function partOf(
  name: string,
  count: number,
  out: string,
  { truth }: HereOptions,
): Promise<Part> {
  const scenario = await openScenario(await scenarioPath(name));
  const own = count === 1 ? out : join(out, name);
  if (truth) await mkdir(own, { recursive: true });
  return {
    scenario,
    around: (recorder) => (truth ? withTruth(recorder, scenario, own) : recorder),
  };
}

/** Plays the scenarios, then shows its traversals and explanation; returns the exit status. */
export async function playHere(
  options: HereOptions,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<number> {
  if (process.getuid?.() !== 0) {
    throw new TraceError('permission', 'namespaces and tracing need root', {
      hint: `conntrail lab --scenario ${options.scenario}`,
    });
  }
  const names = options.scenario.split(',');
  const out = options.out ?? process.env.OUT ?? (await mkdtemp(join(tmpdir(), 'conntrail-trace-')));
  await mkdir(out, { recursive: true });
  const folder = await mkdtemp(join(tmpdir(), 'conntrail-lab-'));
  const trace = join(out, 'trace');
  const hasOwnOut = options.recordOptions.includes('--out');
  const outOptions = hasOwnOut ? [] : ['-q', '--out', trace]; // what is shown afterwards tells all
  const recording = recorder(join(folder, 'ready'), [...outOptions, ...options.recordOptions]);
  try {
    const parts = await Promise.all(names.map((name) => partOf(name, names.length, out, options)));
    await playTogether(parts, recording, say, signal);
  } catch (error) {
    throw signal.aborted ? new TraceError('failed', 'interrupted, the scenario was ended') : error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return hasOwnOut ? recording.status() : show(trace, recording.status(), say);
}

const SHOWN = [
  ['watch', 'the traversals, a line each:'],
  ['explain', 'why the counter of each NAT rule moved or did not:'],
] as const;

async function show(trace: string, status: number, say: (line: string) => void): Promise<number> {
  for (const [command, heading] of SHOWN) {
    say(heading);
    const shown = await ended(conntrail([command, '--from', trace], 'inherit'));
    if (shown !== 0 && shown !== 3) return shown;
  }
  if (process.env.OUT === undefined) say(`the trace is in ${trace}`); // else the lab says where
  return status;
}
