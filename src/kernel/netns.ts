import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const RUN_NETNS = '/run/netns';

/** The inode of the namespace this process is in; 0 where /proc does not tell. */
export function ownNetns(): number {
  return inodeOf('/proc/self/ns/net') ?? 0;
}

/**
 * Names by inode: "init" for the one of process 1, those of `ip netns`
 * otherwise. Unnamed ones, a container's for example, are not in it.
 */
export function netnsNames(folder = RUN_NETNS): Readonly<Record<string, string>> {
  const names: Record<string, string> = {};
  for (const name of namesIn(folder)) {
    const inode = inodeOf(join(folder, name));
    if (inode !== undefined) names[inode] = name;
  }
  const init = inodeOf('/proc/1/ns/net');
  if (init !== undefined) names[init] = 'init';
  return names;
}

/** The inode of the namespace of a process; undefined where there is no such process. */
export function netnsOfProcess(pid: number): number | undefined {
  return inodeOf(`/proc/${pid}/ns/net`);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

function inodeOf(path: string): number | undefined {
  try {
    return statSync(path).ino;
  } catch {
    return undefined;
  }
}
