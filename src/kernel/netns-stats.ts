/**
 * The conntrack statistics of each network namespace, per CPU. Those of another
 * one are read by way of a process in it; one without a process is entered.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { ConntrackStats } from '../model/ledger.ts';
import { parseCpuStats } from '../table/parse-proc-stats.ts';
import { netnsPaths, netnsProcesses, ownNetns } from './netns.ts';
import { readSystemText } from './system-text.ts';

/** To enter one costs a process: of a node with more, the others are not read. */
const MOST_NAMESPACES = 64;
const STATISTICS = 'net/stat/nf_conntrack';
/** A namespace that takes longer is left out. */
const PATIENCE_MS = 5_000;
const run = promisify(execFile);

/**
 * By inode, a row per CPU; a namespace that cannot be read is not in it. Goes
 * on beside other work: a trace that ends has rings to drain meanwhile.
 */
export async function readNetnsStats(): Promise<ReadonlyMap<number, readonly ConntrackStats[]>> {
  const stats = new Map<number, readonly ConntrackStats[]>();
  const processes = netnsProcesses();
  for (const [inode, path] of [...netnsPaths()].slice(0, MOST_NAMESPACES)) {
    const text = await textOf(inode, path, processes.get(inode));
    if (text !== undefined) stats.set(inode, parseCpuStats(text));
  }
  return stats;
}

async function textOf(
  inode: number,
  path: string,
  pid: number | undefined,
): Promise<string | undefined> {
  if (inode === ownNetns()) return readSystemText(`/proc/self/${STATISTICS}`);
  const text = pid === undefined ? undefined : readSystemText(`/proc/${pid}/${STATISTICS}`);
  if (text !== undefined) return text;
  try {
    const command = [`--net=${path}`, '--', 'cat', `/proc/${STATISTICS}`];
    return (await run('nsenter', command, { timeout: PATIENCE_MS })).stdout;
  } catch {
    return undefined; // gone by now, or we may not enter
  }
}
