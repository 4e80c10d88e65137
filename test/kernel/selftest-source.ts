/**
 * The netfilter part of the kernel's own test scripts, out of Debian's source of
 * the series a kernel of the lab is of. The lab's cache keeps that folder alone;
 * beside a copy of it in build/ the small programs are compiled that the scripts call.
 */
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { download, openSuite, packageNames, type Suite } from '../../src/lab/apt.ts';
import { cacheFolder, withLock } from '../../src/lab/cache.ts';
import { ensureKernel } from '../../src/lab/fetch.ts';
import { findKernel, type LabKernel } from '../../src/lab/kernels.ts';
import { PACKAGE_ROOT } from '../../src/lab/place.ts';
import { chooseShare } from '../../src/lab/share.ts';
import { needTool } from '../../src/lab/tool.ts';

export interface Selftests {
  /** Of the source package, as Debian says it. */
  readonly version: string;
  /** Where the scripts are, and want to be started. */
  readonly folder: string;
  readonly scripts: readonly string[];
}

const RUN = { timeoutMs: 15 * 60_000 };
const onProgress = (line: string) => console.log(line);

/** A package holds an archive of the whole kernel: what is not wanted is not written anywhere. */
const UNPACK = `set -o pipefail
dpkg-deb --fsys-tarfile "$0" | tar -xO --wildcards '*.tar.xz' | xz -dcq -T0 |
  tar -x -C "$1" --strip-components=4 --wildcards '*/tools/testing/selftests/*netfilter/*' \\
    '*/tools/testing/selftests/net/*.sh' '*/tools/testing/selftests/kselftest*.h'`;

async function findSource(kernel: LabKernel, series: string): Promise<[Suite, string]> {
  const name = `linux-source-${series}`;
  for (const suiteName of kernel.suites) {
    const suite = await openSuite(join(cacheFolder(), 'apt'), suiteName, RUN);
    if ((await packageNames(suite, name)).includes(name)) return [suite, name];
  }
  throw new Error(`no ${name} in ${kernel.suites.join(' or ')}: conntrail lab --refresh`);
}

async function fetchInto(folder: string, kernel: LabKernel, series: string): Promise<void> {
  const fresh = `${folder}.new`;
  const debs = join(fresh, 'debs');
  await rm(fresh, { recursive: true, force: true });
  await mkdir(debs, { recursive: true });
  const [suite, name] = await findSource(kernel, series);
  onProgress(`downloading ${name}`);
  const [deb = ''] = await download(suite, [name], debs, RUN);
  await needTool(['bash', '-c', UNPACK, deb, fresh], RUN);
  await writeFile(join(fresh, 'version'), basename(deb).split('_')[1]!);
  await rm(debs, { recursive: true });
  await rm(folder, { recursive: true, force: true });
  await rename(fresh, folder);
}

/** Newer kernels have them below net/. */
async function scriptFolder(root: string): Promise<string> {
  const names = await readdir(join(root, 'net'));
  return join(root, names.includes('netfilter') ? 'net/netfilter' : 'netfilter');
}

async function compilePrograms(root: string, folder: string): Promise<void> {
  for (const name of (await readdir(folder)).filter((one) => one.endsWith('.c'))) {
    const program = join(folder, name.slice(0, -2));
    const include = ['-I', root, '-Wno-deprecated-declarations'];
    await needTool(['gcc', '-O2', ...include, '-o', program, join(folder, name), '-lmnl']);
  }
}

export async function ensureSelftests(name: string): Promise<Selftests> {
  const kernel = findKernel(name);
  const { flavour } = await chooseShare();
  const { release } = await ensureKernel({ kernel, flavour, onProgress });
  const series = /^\d+\.\d+/.exec(release)![0];
  const kept = join(cacheFolder(), `selftests-${series}`);
  const version = () => readFile(join(kept, 'version'), 'utf8').catch(() => undefined);
  await withLock(
    `${kept}.lock`,
    () => {},
    async () => {
      if ((await version()) === undefined) await fetchInto(kept, kernel, series);
    },
  );
  const root = join(PACKAGE_ROOT, 'build/selftests', series);
  await rm(root, { recursive: true, force: true });
  await cp(kept, root, { recursive: true });
  const folder = await scriptFolder(root);
  await compilePrograms(root, folder);
  const scripts = (await readdir(folder)).filter((one) => /(?<!^lib)\.sh$/.test(one));
  return { version: (await version())!, folder, scripts: scripts.sort() };
}
