/** Long-running children of a step: started in a namespace, spoken to, and ended for certain. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { ended, startError } from './tool.ts';
import type { Net } from './topology.ts';

export interface LabProcess {
  readonly child: ChildProcessWithoutNullStreams;
  /** What it wrote to its standard error so far. */
  complaint(): string;
  /** Bytes it wrote to its standard output so far. */
  received(): number;
  /** Resolves when that many bytes have come or it has ended. */
  receive(bytes: number): Promise<void>;
  /** Kills it with everything it started, and waits for its end. */
  kill(): Promise<void>;
}

/** In a process group of its own, which `kill` ends as a whole. */
export function startProcess(net: Net, namespace: string, argv: readonly string[]): LabProcess {
  const [tool = '', ...args] = net.within(namespace, argv);
  const child = spawn(tool, args, {
    stdio: 'pipe',
    detached: true,
    signal: net.signal,
    killSignal: 'SIGKILL',
  });
  let complaint = '';
  let received = 0;
  child.stdin.on('error', () => {}); // it ended before it had read everything: seen by its status
  child.on('error', (error) => {
    complaint = startError(tool, error).message;
  });
  child.stderr.on('data', (chunk: Buffer) => {
    complaint += chunk.toString();
  });
  child.stdout.on('data', (chunk: Buffer) => {
    received += chunk.length;
  });
  const closed = once(child, 'close').catch(() => undefined); // one, however often it is waited for
  return {
    child,
    complaint: () => complaint.trim(),
    received: () => received,
    async receive(bytes) {
      while (received < bytes && child.exitCode === null && child.signalCode === null) {
        await Promise.race([once(child.stdout, 'data'), closed]);
      }
    },
    async kill() {
      if (child.pid === undefined) return;
      const end = ended(child);
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // the whole group has ended by itself
      }
      await end;
    },
  };
}
