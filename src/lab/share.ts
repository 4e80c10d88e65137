/**
 * How the guest sees this machine's root: virtiofs where its daemon is
 * installed and we are root, which the daemon needs; else 9p, which is part of
 * QEMU but only of the generic kernels.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { access, constants, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TraceError } from '../model/error.ts';
import type { Flavour } from './kernels.ts';
import { runTool } from './tool.ts';

export interface RootShare {
  readonly kind: 'virtiofs' | '9p';
  readonly flavour: Flavour;
  /** Path of the daemon, for virtiofs. */
  readonly daemon?: string;
}

/** What a running share adds to QEMU's command line. */
export interface OpenShare {
  readonly machine: string;
  readonly args: readonly string[];
  /** The daemon, which must end with QEMU. */
  readonly child?: ChildProcess;
}

const DAEMONS = ['/usr/libexec/virtiofsd', '/usr/lib/qemu/virtiofsd'];
const DAEMON_START_MS = 5_000;

export async function chooseShare(): Promise<RootShare> {
  for (const daemon of process.getuid?.() === 0 ? DAEMONS : []) {
    const runs = await access(daemon, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (runs) return { kind: 'virtiofs', flavour: 'cloud', daemon };
  }
  return { kind: '9p', flavour: 'generic' };
}

const NINE_P: OpenShare = {
  machine: '',
  args: [
    '-fsdev',
    'local,id=root,path=/,security_model=none,readonly=on,multidevs=remap',
    '-device',
    'virtio-9p-pci,fsdev=root,mount_tag=root',
  ],
};

/** The daemon that came with QEMU 7 takes other options than the one of its own package. */
async function daemonOptions(daemon: string): Promise<string[]> {
  const { stdout, stderr } = await runTool([daemon, '--help']);
  return `${stdout}${stderr}`.includes('--shared-dir')
    ? ['--shared-dir=/', '--cache=always', '--sandbox=chroot']
    : ['-o', 'source=/', '-o', 'cache=always', '-o', 'sandbox=chroot', '--thread-pool-size=1'];
}

async function waitForSocket(path: string, child: ChildProcess): Promise<void> {
  const end = Date.now() + DAEMON_START_MS;
  while (Date.now() < end && child.exitCode === null) {
    if ((await stat(path).catch(() => undefined))?.isSocket()) return;
    await sleep(10);
  }
  child.kill('SIGKILL');
  throw new TraceError('failed', `virtiofsd did not open ${path} within ${DAEMON_START_MS} ms`);
}

/** Starts sharing this machine's root; sockets go into `folder`. */
export async function openShare(
  share: RootShare,
  folder: string,
  memoryMiB: number,
): Promise<OpenShare> {
  if (!share.daemon) return NINE_P;
  const path = join(folder, 'root.socket');
  const options = await daemonOptions(share.daemon);
  const argv = ['--pdeathsig', 'KILL', share.daemon, `--socket-path=${path}`, ...options];
  const child = spawn('setpriv', argv, { stdio: 'ignore', detached: true });
  child.on('error', () => {}); // seen as an early end by the wait below
  await waitForSocket(path, child);
  return {
    child,
    machine: ',memory-backend=memory',
    args: [
      '-object',
      `memory-backend-memfd,id=memory,size=${memoryMiB}M,share=on`,
      '-chardev',
      `socket,id=root,path=${path}`,
      '-device',
      'vhost-user-fs-pci,chardev=root,tag=root,queue-size=1024',
    ],
  };
}
