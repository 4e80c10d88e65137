/** pwru, which Debian has from trixie on: fetched as the lab fetches kernels, unpacked, not installed. */
import { access, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { download, openSuite } from '../../../src/lab/apt.ts';
import { cacheFolder, withLock } from '../../../src/lab/cache.ts';
import { needTool } from '../../../src/lab/tool.ts';

const SUITE = 'trixie';
const FETCH_MS = 600_000;

async function unpackInto(folder: string): Promise<void> {
  const fresh = `${folder}.new`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { recursive: true });
  const run = { timeoutMs: FETCH_MS };
  const suite = await openSuite(join(cacheFolder(), 'apt'), SUITE, run);
  for (const file of await download(suite, ['pwru'], fresh, run)) {
    await needTool(['dpkg-deb', '-x', file, fresh], run);
  }
  await rm(folder, { recursive: true, force: true });
  await rename(fresh, folder);
}

/** The program's path. */
export async function ensurePwru(say: (line: string) => void): Promise<string> {
  const folder = join(cacheFolder(), 'bench-pwru');
  const program = join(folder, 'usr/bin/pwru');
  const isThere = () =>
    access(program).then(
      () => true,
      () => false,
    );
  if (await isThere()) return program;
  await withLock(
    `${folder}.lock`,
    () => say(`waiting for another run that fetches ${folder}`),
    async () => {
      if (await isThere()) return;
      say(`fetching pwru from ${SUITE}`);
      await unpackInto(folder);
    },
  );
  return program;
}
