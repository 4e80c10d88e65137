/**
 * Debian packages without installing them: a private apt directory per suite.
 * The mirror comes from the system's own sources; nothing outside the given
 * folder is written, and only the Debian archive keyring is trusted.
 */
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TraceError } from '../model/error.ts';
import { needTool, type ToolOptions } from './tool.ts';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const SOURCES = '/etc/apt';

/** The first Debian mirror named in apt's source lists, given their texts. */
export function findMirror(texts: readonly string[]): string | undefined {
  const lines = texts.flatMap((text) => text.split('\n')).filter((line) => !/^\s*#/.test(line));
  const words = lines.flatMap((line) => line.split(/\s+/));
  return words.find((word) => /^[a-z+]+:\S*\/(debian\/?|debian\.list)$/.test(word));
}

async function sourceTexts(): Promise<string[]> {
  const parts = join(SOURCES, 'sources.list.d');
  const names = await readdir(parts).catch(() => []);
  const paths = names.filter((name) => /\.(list|sources)$/.test(name)).map((n) => join(parts, n));
  const all = [join(SOURCES, 'sources.list'), ...paths.sort()];
  return Promise.all(all.map((path) => readFile(path, 'utf8').catch(() => '')));
}

async function mirror(): Promise<string> {
  const found = process.env.CONNTRAIL_LAB_MIRROR ?? findMirror(await sourceTexts());
  if (found) return found;
  throw new TraceError(
    'missing',
    `no Debian mirror in ${SOURCES}, the lab boots Debian's kernels and needs one`,
    { hint: 'set CONNTRAIL_LAB_MIRROR to the address of a mirror, its path ends in /debian' },
  );
}

/** One suite of the mirror, opened in a folder of ours. */
export interface Suite {
  readonly name: string;
  /** Options that point apt at this suite and nothing else. */
  readonly options: readonly string[];
}

/** Prepares the folder and reads the suite's package lists anew. */
export async function openSuite(folder: string, name: string, run: ToolOptions): Promise<Suite> {
  if (!(await stat(KEYRING).catch(() => undefined))) {
    throw new TraceError('missing', `${KEYRING} is not there, packages could not be verified`, {
      hint: 'apt-get install debian-archive-keyring',
    });
  }
  const at = (path: string) => join(folder, name, path);
  await mkdir(at('lists/partial'), { recursive: true });
  await mkdir(at('cache/archives/partial'), { recursive: true });
  await writeFile(at('status'), '');
  await writeFile(
    at('sources.list'),
    `deb [arch=amd64 signed-by=${KEYRING}] ${await mirror()} ${name} main\n`,
  );
  const options = [
    `Dir::Etc::sourcelist=${at('sources.list')}`,
    'Dir::Etc::sourceparts=-',
    `Dir::State::Lists=${at('lists')}`,
    `Dir::State::status=${at('status')}`,
    `Dir::Cache=${at('cache')}`,
    'APT::Architecture=amd64',
    'APT::Sandbox::User=root',
    'Acquire::Languages=none',
    'Acquire::Retries=3',
  ].map((option) => `-o${option}`);
  await needTool(['apt-get', ...options, '-q', 'update', '--error-on=any'], run);
  return { name, options };
}

export async function packageNames(suite: Suite, prefix: string): Promise<string[]> {
  const text = await needTool(['apt-cache', ...suite.options, 'pkgnames', prefix]);
  return text.split('\n').filter(Boolean);
}

/** The names a package depends on directly. */
export async function dependencies(suite: Suite, name: string): Promise<string[]> {
  const text = await needTool(['apt-cache', ...suite.options, 'show', '--no-all-versions', name]);
  const line = /^Depends: (.*)$/m.exec(text)?.[1] ?? '';
  return line.split(/[,|]/).map((part) => part.trim().split(/[ (]/)[0] ?? '');
}

/** Downloads packages into a folder, verified by apt against the archive's signature. */
export async function download(
  suite: Suite,
  names: readonly string[],
  folder: string,
  run: ToolOptions,
): Promise<string[]> {
  await needTool(['apt-get', ...suite.options, '-q', 'download', ...names], {
    ...run,
    cwd: folder,
  });
  const files = await readdir(folder);
  return files.filter((file) => file.endsWith('.deb')).map((file) => join(folder, file));
}
