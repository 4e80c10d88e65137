/** A scenario on this very kernel, with the tracer beside it, and what the trace then says. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MAIN_SCRIPT } from '../lab/place.ts';
import { playScenario, type Recorder } from '../lab/play.ts';
import { openScenario, scenarioPath } from '../lab/scenario.ts';
import { ended } from '../lab/tool.ts';
import { TraceError } from '../model/error.ts';

const READY_MS = 60_000;
const LONGEST = '10m';

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

/** Starts and ends `conntrail record`; its exit status is known after the end. */
function recorder(folder: string, trace: string): Recorder & { status(): number } {
  const ready = join(folder, 'ready');
  let child: ChildProcess | undefined;
  let status = 1;
  return {
    status: () => status,
    async start() {
      const args = ['--duration', LONGEST, '--out', trace, '--ready-file', ready];
      child = conntrail(['record', ...args], 'ignore');
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

/** Plays the scenario, then prints its traversals and explanation; returns the exit status. */
export async function playHere(
  name: string,
  outDir: string | undefined,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<number> {
  if (process.getuid?.() !== 0) {
    throw new TraceError('permission', 'namespaces and tracing need root', {
      hint: `conntrail lab --scenario ${name}`,
    });
  }
  const scenario = await openScenario(await scenarioPath(name));
  const out = outDir ?? process.env.OUT ?? (await mkdtemp(join(tmpdir(), 'conntrail-trace-')));
  await mkdir(out, { recursive: true });
  const folder = await mkdtemp(join(tmpdir(), 'conntrail-lab-'));
  const trace = join(out, 'trace');
  const recording = recorder(folder, trace);
  try {
    await playScenario(scenario, recording, say, signal);
  } catch (error) {
    throw signal.aborted ? new TraceError('failed', 'interrupted, the scenario was ended') : error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  for (const command of ['watch', 'explain']) {
    const status = await ended(conntrail([command, '--from', trace], 'inherit'));
    if (status !== 0 && status !== 3) return status;
  }
  say(`the trace is in ${trace}`);
  return recording.status();
}
