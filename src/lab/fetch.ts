/** Fetches a kernel once and keeps it: later runs need neither the network nor apt. */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TraceError } from '../model/error.ts';
import { dependencies, download, openSuite, packageNames, type Suite } from './apt.ts';
import { cacheFolder, withLock } from './cache.ts';
import { choosePackage, type Flavour, type LabKernel } from './kernels.ts';
import type { ToolOptions } from './tool.ts';
import { unpackKernel } from './unpack.ts';

/** A kernel ready to boot. */
export interface KernelFiles {
  /** As `uname -r` says it. */
  readonly release: string;
  readonly vmlinux: string;
  readonly initrd: string;
  readonly modules: string;
}

export interface FetchRequest {
  readonly kernel: LabKernel;
  readonly flavour: Flavour;
  /** Fetch again although there is one. */
  readonly refresh?: boolean | undefined;
  readonly onProgress: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
}

const FETCH_TIMEOUT_MS = 15 * 60_000;

async function readStored(folder: string): Promise<KernelFiles | undefined> {
  const release = await readFile(join(folder, 'release'), 'utf8').catch(() => undefined);
  if (release === undefined) return undefined;
  return {
    release: release.trim(),
    vmlinux: join(folder, 'vmlinux'),
    initrd: join(folder, 'initrd.cpio'),
    modules: join(folder, 'modules.erofs'),
  };
}

async function findPackage(request: FetchRequest, run: ToolOptions): Promise<[Suite, string]> {
  const { kernel, flavour, onProgress } = request;
  for (const name of kernel.suites) {
    onProgress(`reading the package list of ${name}`);
    const suite = await openSuite(join(cacheFolder(), 'apt'), name, run);
    const found = choosePackage(await packageNames(suite, 'linux-image-'), kernel, flavour);
    if (found) return [suite, found];
  }
  const suites = kernel.suites.join(' or ');
  throw new TraceError('missing', `no ${flavour} kernel ${kernel.name} in Debian's ${suites}`);
}

/** Newer kernels come in three packages: image, modules, and what both share. */
async function packageParts(suite: Suite, image: string): Promise<string[]> {
  const release = image.slice('linux-image-'.length);
  const needed = await dependencies(suite, image);
  if (!needed.includes(`linux-modules-${release}`)) return [image];
  return ['binary', 'modules', 'base'].map((part) => `linux-${part}-${release}`);
}

async function fetchInto(folder: string, request: FetchRequest): Promise<void> {
  const run = { timeoutMs: FETCH_TIMEOUT_MS, signal: request.signal };
  const fresh = `${folder}.new`;
  const debs = join(fresh, 'debs');
  await rm(fresh, { recursive: true, force: true });
  await mkdir(debs, { recursive: true });
  try {
    const [suite, image] = await findPackage(request, run);
    request.onProgress(`downloading ${image}`);
    const files = await download(suite, await packageParts(suite, image), debs, run);
    request.onProgress(`unpacking ${image}`);
    const release = await unpackKernel(files, fresh, run);
    await rm(debs, { recursive: true });
    await writeFile(join(fresh, 'release'), `${release}\n`);
    await rm(folder, { recursive: true, force: true });
    await rename(fresh, folder);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

/** The kernel's files, fetched first where they are not there yet. */
export async function ensureKernel(request: FetchRequest): Promise<KernelFiles> {
  if (process.arch !== 'x64') {
    throw new TraceError('unsupported', `the lab boots x86-64 kernels, this is ${process.arch}`);
  }
  const folder = join(cacheFolder(), `${request.kernel.name}-${request.flavour}`);
  const stored = await readStored(folder);
  if (stored && !request.refresh) return stored;
  const wait = () => request.onProgress(`waiting for another run that fetches ${folder}`);
  return withLock(`${folder}.lock`, wait, async () => {
    const meanwhile = await readStored(folder);
    if (!meanwhile || request.refresh) await fetchInto(folder, request);
    const files = await readStored(folder);
    if (files) return files;
    throw new TraceError('io', `${folder} vanished while it was written`);
  });
}
