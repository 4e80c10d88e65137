import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { errnoOf, TraceError } from '../model/error.ts';

const PACKAGES: Readonly<Record<string, string>> = {
  nft: 'nftables',
  ip: 'iproute2',
  conntrack: 'conntrack',
  nsenter: 'util-linux',
  'iptables-nft-save': 'iptables',
  'ip6tables-nft-save': 'iptables',
  'iptables-legacy-save': 'iptables',
  'ip6tables-legacy-save': 'iptables',
};
/** What tools are for that do not read rules. */
const PURPOSES: Readonly<Record<string, string>> = {
  ip: 'to read addresses and routes',
  conntrack: 'to read and delete conntrack entries',
};
const OUTPUT_BYTES = 1 << 28;

/** What a tool prints, run in the network namespace at the path `netns`, else in our own. */
export function runTool(tool: string, args: readonly string[], netns?: string): string {
  const command =
    netns === undefined ? [tool, ...args] : ['nsenter', `--net=${netns}`, '--', tool, ...args];
  const [file, ...rest] = command as [string, ...string[]];
  const { error, status, stdout, stderr } = spawnSync(file, rest, {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
    maxBuffer: OUTPUT_BYTES,
  });
  if (error !== undefined) throw startError(file, error);
  if (status !== 0) throw refusal(command.join(' '), tool, status, stderr, netns);
  return stdout;
}

/** Whether a command of that name is in a folder of PATH. */
export function hasTool(tool: string): boolean {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.some((folder) => isExecutable(join(folder, tool)));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function startError(tool: string, cause: Error): TraceError {
  const errno = errnoOf(cause);
  if (errno === 'ENOENT') return missing(tool, cause);
  return new TraceError('failed', `start ${tool}: ${errno ?? cause.message}`, { cause });
}

function missing(tool: string, cause?: Error): TraceError {
  const purpose = PURPOSES[tool] ?? 'to read the loaded rules';
  return new TraceError('missing', `${tool} is not installed, needed ${purpose}`, {
    hint: `apt-get install ${PACKAGES[tool] ?? tool}`,
    ...(cause === undefined ? {} : { cause }),
  });
}

function refusal(
  command: string,
  tool: string,
  status: number | null,
  stderr: string,
  netns: string | undefined,
): TraceError {
  const [line = ''] = stderr.split('\n').filter((text) => text !== '' && !text.startsWith('#'));
  if (line.includes(`failed to execute ${tool}:`)) return missing(tool);
  if (line.startsWith('nsenter: cannot open') && line.includes('No such file')) {
    return new TraceError('missing', `${command}: ${line}`, { hint: 'lsns -t net' });
  }
  if (line.startsWith('nsenter: reassociate to namespace') && line.includes('not permitted')) {
    return new TraceError('permission', `enter ${netns}: EPERM (operation not permitted)`, {
      hint: 'run as root, or with CAP_SYS_ADMIN',
    });
  }
  if (/not permitted|Permission denied|must be root/i.test(line)) {
    return new TraceError('permission', `${command}: ${line}`, {
      hint: 'run as root, or with CAP_NET_ADMIN',
    });
  }
  return new TraceError('kernel', `${command}: ${line === '' ? `exit status ${status}` : line}`);
}
