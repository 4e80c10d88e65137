import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { TraceError } from '../model/error.ts';

const RUN_NETNS = '/run/netns';
const SELF = '/proc/self/ns/net';

/** The inode of the namespace this process is in; 0 where /proc does not tell. */
export function ownNetns(): number {
  return inodeOf(SELF) ?? 0;
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

/**
 * A path by which a namespace can be entered, of `ip netns` or of a process
 * that is in it now. `missing` where nothing leads there.
 */
export function netnsPath(inode: number, folder = RUN_NETNS): string {
  const path = netnsPaths(folder).get(inode);
  if (path !== undefined) return path;
  throw new TraceError(
    'missing',
    `network namespace ${inode}: no name and no process leads there`,
    {
      hint: 'lsns -t net',
    },
  );
}

/**
 * Where each network namespace of this machine can be entered, by inode: our
 * own first, then those of `ip netns`, then those of processes.
 */
export function netnsPaths(folder = RUN_NETNS): ReadonlyMap<number, string> {
  const named = namesIn(folder).map((name) => join(folder, name));
  const pids = namesIn('/proc').filter((name) => /^\d+$/.test(name));
  const paths = new Map<number, string>();
  for (const path of [SELF, ...named, ...pids.map((pid) => `/proc/${pid}/ns/net`)]) {
    const inode = inodeOf(path);
    if (inode !== undefined && !paths.has(inode)) paths.set(inode, path);
  }
  return paths;
}

/** A process of each network namespace that has one, by inode. */
export function netnsProcesses(): ReadonlyMap<number, number> {
  const processes = new Map<number, number>();
  for (const name of namesIn('/proc')) {
    const inode = /^\d+$/.test(name) ? inodeOf(`/proc/${name}/ns/net`) : undefined;
    if (inode !== undefined && !processes.has(inode)) processes.set(inode, Number(name));
  }
  return processes;
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
