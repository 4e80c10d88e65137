/** QEMU's command line, and whether it may use the processor's virtualization. */
import { spawn } from 'node:child_process';
import { access, constants, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from './cache.ts';
import type { KernelFiles } from './fetch.ts';

export type Accelerator = 'kvm' | 'tcg';

const QEMU = 'qemu-system-x86_64';
const PROBE_MS = 5_000;
const KERNEL_ARGS = 'console=ttyS0 quiet panic=-1 reboot=t mitigations=off';

export interface Machine {
  readonly kernel: KernelFiles;
  readonly accelerator: Accelerator;
  readonly cpus: number;
  readonly memoryMiB: number;
  /** The first root, with this run's own files in it. */
  readonly initrd: string;
  /** Appended to the `-machine` option, for the root's shared memory. */
  readonly machine: string;
  readonly kernelArgs: readonly string[];
  /** Ports, root share, console, and what the caller adds. */
  readonly args: readonly string[];
}

const ACCELERATION: Readonly<Record<Accelerator, readonly string[]>> = {
  kvm: ['-accel', 'kvm', '-cpu', 'host'],
  // cmpxchg16b is emulated under a lock that all CPUs share: better that the kernel does without
  tcg: ['-accel', 'tcg,thread=multi,tb-size=512', '-cpu', 'max,cx16=off'],
};

/** The command, which dies with us also when we are killed outright. */
export function qemuCommand(machine: Machine): string[] {
  const { kernel, accelerator } = machine;
  // a machine that is emulated stands still whenever its host is busy: that is no lockup
  const patience = accelerator === 'tcg' ? ['cryptomgr.notests', 'watchdog_thresh=60'] : [];
  return [
    ...['setpriv', '--pdeathsig', 'KILL', QEMU],
    ...['-machine', `q35${machine.machine}`, ...ACCELERATION[accelerator]],
    ...['-smp', String(machine.cpus), '-m', `${machine.memoryMiB}M`],
    ...['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none'],
    ...['-kernel', kernel.vmlinux, '-initrd', machine.initrd],
    ...['-append', [KERNEL_ARGS, ...patience, ...machine.kernelArgs].join(' ')],
    ...['-drive', `file=${kernel.modules},format=raw,if=none,id=modules,readonly=on`],
    ...['-device', 'virtio-blk-pci,drive=modules', '-device', 'virtio-serial-pci'],
    ...machine.args,
  ];
}

/** Boots nothing but the kernel under KVM and waits for its first line on the console. */
function bootsUnderKvm(kernel: KernelFiles): Promise<boolean> {
  const args = [...ACCELERATION.kvm, '-machine', 'q35', '-nodefaults', '-no-user-config'];
  const boot = ['-no-reboot', '-display', 'none', '-serial', 'stdio', '-kernel', kernel.vmlinux];
  const append = ['-append', 'console=ttyS0 earlyprintk=ttyS0 panic=-1'];
  return new Promise((resolve) => {
    const child = spawn(QEMU, [...args, ...boot, ...append], {
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: PROBE_MS,
      killSignal: 'SIGKILL',
    });
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes('Linux version')) child.kill('SIGKILL');
    });
    child.once('error', () => resolve(false));
    child.once('close', () => resolve(text.includes('Linux version')));
  });
}

/** A `/dev/kvm` that is there may still boot nothing: tried once per boot of this machine. */
export async function chooseAccelerator(kernel: KernelFiles): Promise<Accelerator> {
  try {
    await access('/dev/kvm', constants.R_OK | constants.W_OK);
  } catch {
    return 'tcg';
  }
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => 'unknown');
  const path = join(cacheFolder(), `accelerator-${boot.trim()}`);
  const known = await readFile(path, 'utf8').catch(() => '');
  if (known === 'kvm' || known === 'tcg') return known;
  const found = (await bootsUnderKvm(kernel)) ? 'kvm' : 'tcg';
  await mkdir(cacheFolder(), { recursive: true });
  await writeFile(path, found);
  return found;
}
