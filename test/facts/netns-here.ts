/** A network namespace of this machine for one test file, with rules loaded by the real tools. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readlinkSync, statSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

export interface NetnsHere {
  readonly inode: number;
  readonly path: string;
  /** Runs a shell script in it; throws with what it wrote to stderr if it fails. */
  run(script: string): string;
  close(): Promise<void>;
}

/** Undefined where this process may not make one. */
export async function openNetns(): Promise<NetnsHere | undefined> {
  const child = spawn('unshare', ['-n', 'sleep', '600'], { stdio: 'ignore' });
  const path = `/proc/${child.pid}/ns/net`;
  if (!(await hasEntered(child, path))) return undefined;
  return {
    inode: statSync(path).ino,
    path,
    run: (script) => runIn(path, script),
    close: async () => {
      child.kill();
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}

async function hasEntered(child: ChildProcess, path: string): Promise<boolean> {
  child.on('error', () => undefined);
  const own = readlinkSync('/proc/self/ns/net');
  for (let turn = 0; turn < 200; turn++) {
    await setTimeout(10);
    if (child.pid === undefined || child.exitCode !== null) return false;
    if (readlinkSync(path) !== own) return true;
  }
  return false;
}

function runIn(path: string, script: string): string {
  const { status, stdout, stderr } = spawnSync('nsenter', [`--net=${path}`, 'sh', '-es'], {
    input: script,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (status === 0) return stdout;
  throw new Error(`${script.slice(0, 200)}: ${stderr}`);
}
