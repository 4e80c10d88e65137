/**
 * Runs one command in a small virtual machine: a Debian kernel with this
 * machine's own root under it, read-only, and a tmpfs over that. What the
 * command prints arrives as it comes; its status and the folder $OUT come back.
 * In: a request. Out: a result, or a TraceError that names the console's file.
 * Every process and file made on the way is gone when the promise settles.
 */
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileError } from '../model/error.ts';
import { guestError, keepConsole, kernelWarnings } from './console.ts';
import { ensureKernel, type KernelFiles } from './fetch.ts';
import { type GuestState, OutFile, openGuestPorts } from './guest-ports.ts';
import { type GuestSettings, writeInitrd } from './initrd.ts';
import { DEFAULT_KERNEL, findKernel } from './kernels.ts';
import { type MachineEnd, runMachine, stopChild } from './machine.ts';
import { PACKAGE_ROOT } from './place.ts';
import type { PortReader } from './ports.ts';
import { type Accelerator, chooseAccelerator, qemuCommand } from './qemu.ts';
import { chooseShare, openShare, type RootShare } from './share.ts';
import { needTool } from './tool.ts';

export interface GuestRequest {
  /** Exactly these words; not split, expanded or joined by a shell. */
  readonly command: readonly string[];
  /** One of LAB_KERNELS by name. */
  readonly kernel?: string;
  readonly cpus?: number;
  readonly memoryMiB?: number;
  /** From the start of the machine to its end. */
  readonly timeoutSec?: number;
  /** Gets what the command left in $OUT; made where it is not there. */
  readonly outDir?: string;
  /** The folder the command starts in; the package's own where not given. */
  readonly directory?: string;
  /** A person's shell on this terminal instead of the command. */
  readonly shell?: boolean;
  /** Added to the kernel's command line. */
  readonly kernelArgs?: readonly string[];
  readonly accelerator?: Accelerator; // else the best that works here
  /** Added to QEMU's command line. */
  readonly qemuArgs?: readonly string[];
  /** Fetch the kernel anew. */
  readonly refresh?: boolean;
  readonly signal?: AbortSignal;
  /** May return a promise: the guest waits for it. */
  readonly onStdout?: PortReader;
  readonly onStderr?: PortReader;
  readonly onProgress?: (line: string) => void;
}

export interface GuestResult {
  /** Exit status of the command. */
  readonly status: number;
  /** As `uname -r` says it in the guest. */
  readonly release: string;
  readonly accelerator: Accelerator;
  /** From the start of QEMU until the command starts. */
  readonly bootMs: number;
  /** From the start of QEMU to its end. */
  readonly totalMs: number;
  /** Lines in which the guest's kernel complained about itself. */
  readonly kernelWarnings: readonly string[];
  /** The file that holds the console, where there were warnings. */
  readonly consolePath?: string;
}

const ignore = () => {};
const DEFAULTS = { cpus: 2, memoryMiB: 2048, timeoutSec: 300 };

function settingsOf(request: GuestRequest, share: RootShare): GuestSettings {
  return {
    mode: request.shell ? 'shell' : 'command',
    share: share.kind,
    bring: request.outDir === undefined ? 'no' : 'yes',
    directory: request.directory ?? PACKAGE_ROOT,
    shell: process.env.SHELL ?? '/bin/sh',
    terminal: process.env.TERM ?? 'dumb',
    rows: String(process.stdout.rows || 24),
    columns: String(process.stdout.columns || 80),
  };
}

async function boot(
  folder: string,
  kernel: KernelFiles,
  accelerator: Accelerator,
  share: RootShare,
  request: GuestRequest,
  state: GuestState,
): Promise<MachineEnd> {
  const { cpus, memoryMiB, timeoutSec } = { ...DEFAULTS, ...request };
  const initrd = join(folder, 'initrd');
  await writeInitrd(initrd, kernel, settingsOf(request, share), request.command);
  const root = await openShare(share, folder, memoryMiB);
  const ports = await openGuestPorts(folder, request, state);
  const serial = request.shell ? 'mon:stdio' : `file:${join(folder, 'console')}`;
  try {
    const argv = qemuCommand({
      kernel,
      accelerator,
      cpus,
      memoryMiB,
      initrd,
      machine: root.machine,
      kernelArgs: request.kernelArgs ?? [],
      args: [
        ...root.args,
        ...ports.flatMap((port) => port.args),
        ...['-serial', serial],
        ...(request.qemuArgs ?? []),
      ],
    });
    return await runMachine(argv, {
      shell: request.shell ?? false,
      timeoutSec,
      signal: request.signal,
    });
  } finally {
    for (const port of ports) port.close();
    await Promise.all(ports.map((port) => port.drained));
    await stopChild(root.child);
  }
}

/** busybox pads an archive to 512 bytes, GNU tar seeks by records of 10,240: it must not seek. */
async function bringOut(folder: string, outDir: string): Promise<void> {
  await mkdir(outDir, { recursive: true });
  const tar = ['tar', '-x', '--no-seek', '--no-same-owner'];
  await needTool([...tar, '-f', join(folder, 'out.tar'), '-C', outDir]);
}

async function finish(
  folder: string,
  end: MachineEnd,
  state: GuestState,
  request: GuestRequest,
): Promise<Pick<GuestResult, 'status' | 'kernelWarnings' | 'consolePath'>> {
  const text = await readFile(join(folder, 'console'), 'utf8').catch(() => '');
  if (state.status === undefined) {
    const timeoutSec = request.timeoutSec ?? DEFAULTS.timeoutSec;
    throw await guestError(end, text, timeoutSec, request.outDir);
  }
  if (state.out.failure) throw fileError('write', folder, state.out.failure);
  if (request.outDir !== undefined) await bringOut(folder, request.outDir);
  const warnings = kernelWarnings(text);
  const kept = warnings.length > 0 && { consolePath: await keepConsole(text, request.outDir) };
  return { status: state.status, kernelWarnings: warnings, ...kept };
}

export async function runGuest(request: GuestRequest): Promise<GuestResult> {
  const onProgress = request.onProgress ?? ignore;
  const share = await chooseShare();
  const kernel = await ensureKernel({
    kernel: findKernel(request.kernel ?? DEFAULT_KERNEL),
    flavour: share.flavour,
    refresh: request.refresh,
    signal: request.signal,
    onProgress,
  });
  const accelerator = request.accelerator ?? (await chooseAccelerator(kernel));
  onProgress(`booting ${kernel.release} with ${accelerator} and ${share.kind}`);
  const folder = await mkdtemp(join(tmpdir(), 'conntrail-lab-'));
  const out = new OutFile(join(folder, 'out.tar'));
  const state: GuestState = { startedAt: Date.now(), bootMs: 0, status: undefined, out };
  const tidy = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', tidy); // somebody may call process.exit(); QEMU then ends by itself
  try {
    const end = await boot(folder, kernel, accelerator, share, request, state);
    const totalMs = Date.now() - state.startedAt;
    const result = await finish(folder, end, state, request);
    return { ...result, release: kernel.release, accelerator, bootMs: state.bootMs, totalMs };
  } finally {
    process.off('exit', tidy);
    tidy();
  }
}
