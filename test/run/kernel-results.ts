/**
 * Keeps what the kernel tests came to, by file and kernel, in
 * build/kernel-results.json: runs of some files or some kernels add to what is
 * there, and in docs/kernels.md, which is made of it.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestCase, TestModule, Vitest } from 'vitest/node';
import { DEFAULT_KERNEL } from '../../src/lab/kernels.ts';
import { kernelsDocument, readSources, resultsIn, sourcesIn } from './kernels-document.ts';

const PATH = fileURLToPath(new URL('../../build/kernel-results.json', import.meta.url));

const DOCUMENT = fileURLToPath(new URL('../../docs/kernels.md', import.meta.url));

export interface CellResult {
  readonly passed: number;
  readonly failed: number;
}
/** By test file, then by kernel. */
export type KernelResults = Record<string, Record<string, CellResult>>;

export default class KernelResultsKeeper {
  #isPart = false;

  /** Some tests of a group, some scripts, or fewer rounds are not the group. */
  onInit(vitest: Vitest): void {
    const isFiltered = vitest.getGlobalTestNamePattern() !== undefined;
    const { CONNTRAIL_SELFTESTS: scripts, CONNTRAIL_ROUNDS: rounds } = process.env;
    this.#isPart = isFiltered || Boolean(scripts) || Boolean(rounds);
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    if (this.#isPart) return;
    const results = readKernelResults();
    for (const module of modules.filter((one) => one.project.name === 'kernel')) {
      const file = basename(module.moduleId);
      results[file] = { ...results[file], ...cellsOf(module) };
    }
    mkdirSync(fileURLToPath(new URL('../../build', import.meta.url)), { recursive: true });
    writeFileSync(PATH, `${JSON.stringify(results, null, 2)}\n`);
    if (!process.env.CONNTRAIL_KERNELS) return; // a slice: the document is about all of them
    const before = readFileSync(DOCUMENT, 'utf8');
    const all = { ...resultsIn(before) };
    for (const [file, cells] of Object.entries(results)) all[file] = { ...all[file], ...cells };
    const sources = (kernel: string) => readSources(kernel) ?? sourcesIn(before, kernel);
    writeFileSync(DOCUMENT, kernelsDocument(all, sources));
  }
}

/** Empty where no kernel test has run. */
export function readKernelResults(): KernelResults {
  try {
    return JSON.parse(readFileSync(PATH, 'utf8')) as KernelResults;
  } catch {
    return {};
  }
}

/** Tests that were left out do not count; those behind a failed setup do. */
function cellsOf(module: TestModule): Record<string, CellResult> {
  const cells: Record<string, CellResult> = {};
  for (const test of module.children.allTests()) {
    const { state } = test.result();
    const isBroken = state === 'skipped' && hasFailedSetup(test);
    if (state !== 'passed' && state !== 'failed' && !isBroken) continue;
    const kernel = kernelIn(test.fullName);
    const { passed, failed } = cells[kernel] ?? { passed: 0, failed: 0 };
    const isGood = state === 'passed';
    cells[kernel] = { passed: passed + Number(isGood), failed: failed + Number(!isGood) };
  }
  return cells;
}

function hasFailedSetup(test: TestCase): boolean {
  for (let at: TestCase['parent'] = test.parent; at.type === 'suite'; at = at.parent) {
    if (at.errors().length > 0) return true;
  }
  return test.module.errors().length > 0;
}

/** `kernel 6.12 > …`; a test that names none is of the default kernel. */
export function kernelIn(name: string): string {
  return /\bkernel '?([0-9]+(?:\.[0-9]+)?)\b/.exec(name)?.[1] ?? DEFAULT_KERNEL;
}
