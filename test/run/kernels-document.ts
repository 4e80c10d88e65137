/** docs/kernels.md: what was green on which kernel, and how each fact is known there. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { LAB_KERNELS } from '../../src/lab/kernels.ts';
import { GROUPS } from '../kernel/matrix.ts';
import type { KernelResults } from './kernel-results.ts';

export const SOURCES_FOLDER = fileURLToPath(new URL('../../build/kernel-sources', import.meta.url));

export interface KernelSources {
  /** As `uname -r` says it. */
  readonly release: string;
  /** By backend, then by fact. */
  readonly sources: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** undefined where sources.test.ts has not run on that kernel here. */
export function readSources(kernel: string): KernelSources | undefined {
  try {
    return JSON.parse(readFileSync(`${SOURCES_FOLDER}/${kernel}.json`, 'utf8')) as KernelSources;
  } catch {
    return undefined;
  }
}

/** The cells of a document that say that all passed; the others are not known. */
export function resultsIn(document: string): KernelResults {
  const results: KernelResults = {};
  for (const [, file, cells] of document.matchAll(/^\| (\S+\.test\.ts) \| .*? \| (.*) \|$/gm)) {
    const counts = cells!.split(' | ').map((cell) => (/^\d+$/.test(cell) ? Number(cell) : 0));
    for (const [at, passed] of counts.entries()) {
      if (passed > 0) results[file!] = { ...results[file!], [NAMES[at]!]: { passed, failed: 0 } };
    }
  }
  return results;
}

/** How facts of a kernel are known, by its section of a document. */
export function sourcesIn(document: string, kernel: string): KernelSources | undefined {
  const section = document.split(/^### /m).find((text) => text.startsWith(`${kernel} (`));
  const release = /\((.*)\)/.exec(section ?? '')?.[1];
  if (section === undefined || release === undefined) return undefined;
  const lines = section.split('\n').filter((line) => line.startsWith('| '));
  const [head = [], , ...rows] = lines.map((line) => line.slice(2, -2).split(' | '));
  const of = (at: number) => Object.fromEntries(rows.map((row) => [row[0]!, row[at]!]));
  const sources = Object.fromEntries(head.slice(1).map((name, at) => [name, of(at + 1)]));
  return { release, sources };
}

const NAMES = LAB_KERNELS.map(({ name }) => name);

export function kernelsDocument(
  results: KernelResults,
  sources: (kernel: string) => KernelSources | undefined,
): string {
  return [
    '# Kernels',
    'Written by `make test-kernels`, from what the tests came to on real kernels in virtual machines. Not edited by hand.',
    `The kernels are Debian's: ${NAMES.map((name) => sources(name)?.release ?? `${name} (not run)`).join(', ')}.`,
    '## Tests',
    'How many tests passed. "other" means that the group is about one kernel, or runs on the others by another file.',
    table(
      ['test/kernel/', 'about', ...NAMES],
      GROUPS.map((group) => [
        group.file,
        group.tells,
        ...NAMES.map((kernel) => cell(results[group.file]?.[kernel], group.only, kernel)),
      ]),
    ),
    '## How each fact is known',
    'With all modules of NAT loaded, `--detail packets`. `conntrail doctor` says the same of the kernel it runs on, and each trace carries it.',
    ...NAMES.flatMap((kernel) => sourcesText(kernel, sources(kernel))),
    '',
  ]
    .join('\n\n')
    .trimEnd()
    .concat('\n');
}

function cell(
  found: KernelResults[string][string] | undefined,
  only: readonly string[] | undefined,
  kernel: string,
): string {
  if (found !== undefined) {
    return found.failed === 0 ? `${found.passed}` : `${found.passed}, **${found.failed} failed**`;
  }
  return only !== undefined && !only.includes(kernel) ? 'other' : 'not run';
}

function sourcesText(kernel: string, known: KernelSources | undefined): string[] {
  if (known === undefined) return [`### ${kernel}`, 'Not run.'];
  const backends = Object.keys(known.sources);
  const facts = Object.keys(known.sources[backends[0]!] ?? {});
  const rows = facts.map((fact) => [
    fact,
    ...backends.map((one) => known.sources[one]![fact] ?? ''),
  ]);
  return [`### ${kernel} (${known.release})`, table(['fact', ...backends], rows)];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
