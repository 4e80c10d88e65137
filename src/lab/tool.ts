/** Runs the Debian tools the lab is made of, and says which package a missing one is in. */
import { type ChildProcess, spawn } from 'node:child_process';
import { errnoOf, TraceError } from '../model/error.ts';

export interface ToolResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ToolOptions {
  readonly input?: string | Uint8Array;
  readonly cwd?: string;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

const PACKAGES: Readonly<Record<string, string>> = {
  'qemu-system-x86_64': 'qemu-system-x86',
  busybox: 'busybox-static',
  'mkfs.erofs': 'erofs-utils',
  depmod: 'kmod',
  modprobe: 'kmod',
  'apt-get': 'apt',
  'apt-cache': 'apt',
  'dpkg-deb': 'dpkg',
  xz: 'xz-utils',
  zstd: 'zstd',
  socat: 'socat',
  ping: 'iputils-ping',
  ip: 'iproute2',
  nft: 'nftables',
  conntrack: 'conntrack',
  tcpdump: 'tcpdump',
  nsenter: 'util-linux',
};

const DEFAULT_TIMEOUT_MS = 60_000;

/** The error of a tool that could not be started. */
export function startError(tool: string, error: unknown): TraceError {
  const name = tool.slice(tool.lastIndexOf('/') + 1);
  if (errnoOf(error) !== 'ENOENT') {
    return new TraceError('failed', `${name}: ${String(error)}`, { cause: error });
  }
  return new TraceError('missing', `${name} is not installed, the lab needs it`, {
    hint: `apt-get install ${PACKAGES[name] ?? name}`,
    cause: error,
  });
}

/** Runs a tool to its end. A status other than 0 is a result here, not an error. */
export function runTool(argv: readonly string[], options: ToolOptions = {}): Promise<ToolResult> {
  const [tool = '', ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(tool, args, {
      cwd: options.cwd,
      timeout: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
      killSignal: 'SIGKILL',
      signal: options.signal,
      env: { ...process.env, LC_ALL: 'C' },
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.stdin.on('error', () => {}); // a tool that does not read to the end is no failure
    child.stdin.end(options.input ?? '');
    child.on('error', (error) => reject(startError(tool, error)));
    child.on('close', (code) =>
      resolve({
        code: code ?? 124,
        stdout: Buffer.concat(stdout).toString(),
        stderr: Buffer.concat(stderr).toString(),
      }),
    );
  });
}

/** The line that tells most of what a tool printed to its standard error. */
function complaintOf(stderr: string): string {
  const lines = stderr
    .trim()
    .split('\n')
    .filter((line) => !/not recoverable|exiting with failure/i.test(line)); // tar's last words
  return lines.find((line) => /error|^E: /i.test(line)) ?? lines.at(-1) ?? '';
}

/** Runs a tool that must succeed and returns what it printed. */
export async function needTool(
  argv: readonly string[],
  options: ToolOptions = {},
): Promise<string> {
  const { code, stdout, stderr } = await runTool(argv, options);
  if (code === 0) return stdout;
  throw new TraceError('failed', `${argv.join(' ')}: status ${code}: ${complaintOf(stderr)}`);
}

/** Resolves with the exit status; 128 + signal number is not told apart from a failure: 1. */
export function ended(child: ChildProcess): Promise<number> {
  if (child.exitCode !== null || child.signalCode !== null) {
    return Promise.resolve(child.exitCode ?? 1);
  }
  return new Promise((resolve) => child.once('close', (code) => resolve(code ?? 1)));
}
