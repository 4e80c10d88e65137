/** One QEMU process from start to end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { TraceError } from '../model/error.ts';
import { ended, startError } from './tool.ts';

const KILL_AFTER_MS = 3_000;

export interface MachineEnd {
  /** Why it was ended early; undefined when it ended by itself. */
  readonly stopped: 'time' | 'signal' | undefined;
  readonly code: number;
  /** What QEMU itself had to say. */
  readonly complaint: string;
}

export interface MachineLimits {
  /** The person at the shell ends it: no limit of time, and the terminal is QEMU's. */
  readonly shell: boolean;
  readonly timeoutSec: number;
  readonly signal?: AbortSignal | undefined;
}

/** Ends a child for certain: asked first, then killed. */
export async function stopChild(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const killer = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
  child.kill('SIGTERM');
  await ended(child);
  clearTimeout(killer);
}

/** Calls `stop` when the time is over or the caller gives up; returns how to forget about it. */
function limit(limits: MachineLimits, stop: (why: 'time' | 'signal') => void): () => void {
  const abort = () => stop('signal');
  const timer = limits.shell ? undefined : setTimeout(stop, limits.timeoutSec * 1000, 'time');
  limits.signal?.addEventListener('abort', abort);
  if (limits.signal?.aborted) abort();
  return () => {
    clearTimeout(timer);
    limits.signal?.removeEventListener('abort', abort);
  };
}

export async function runMachine(
  argv: readonly string[],
  limits: MachineLimits,
): Promise<MachineEnd> {
  const [tool = '', ...args] = argv;
  const child = limits.shell
    ? spawn(tool, args, { stdio: 'inherit' })
    : spawn(tool, args, { stdio: ['ignore', 'ignore', 'pipe'], detached: true });
  const failed = new Promise<never>((_, reject) => {
    child.once('error', (error) => reject(startError(tool, error)));
  });
  let complaint = '';
  let stopped: MachineEnd['stopped'];
  child.stderr?.on('data', (chunk: Buffer) => {
    complaint += chunk.toString();
  });
  const forget = limit(limits, (why) => {
    stopped ??= why;
    void stopChild(child);
  });
  try {
    const code = await Promise.race([ended(child), failed]);
    if (code === 127) throw startError('qemu-system-x86_64', { code: 'ENOENT' });
    return { stopped, code, complaint: complaint.trim() };
  } finally {
    forget();
  }
}

/** An early end as the error a caller sees. */
export function stopError(stopped: 'time' | 'signal', timeoutSec: number): TraceError {
  if (stopped === 'signal') return new TraceError('failed', 'interrupted, the guest was ended');
  return new TraceError('failed', `the guest did not finish within ${timeoutSec} s`, {
    hint: `--timeout ${timeoutSec * 2}s`,
  });
}
