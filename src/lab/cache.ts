/** Where the lab keeps kernels, and the lock that lets two runs start together. */
import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { ended, startError } from './tool.ts';

/** Part of every path below the cache: raised when what is stored there changes its form. */
const FORM = 'v1';

export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  const base =
    env.CONNTRAIL_LAB_CACHE ||
    join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'conntrail', 'lab');
  return join(base, FORM);
}

/**
 * Does the work while no other process holds the same lock file. The lock is
 * the kernel's (flock), held by a child that ends when our end of its standard
 * input closes: a killed run leaves nothing locked.
 */
export async function withLock<T>(
  path: string,
  onWait: () => void,
  work: () => Promise<T>,
): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  const child = spawn('flock', ['-x', path, 'sh', '-c', 'echo locked; exec cat'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const waiting = setTimeout(onWait, 500);
  try {
    await new Promise((resolve, reject) => {
      child.stdout.once('data', resolve);
      child.once('error', (error) => reject(startError('flock', error)));
    });
    clearTimeout(waiting);
    return await work();
  } finally {
    clearTimeout(waiting);
    child.stdin.end();
    await ended(child);
  }
}
