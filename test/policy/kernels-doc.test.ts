import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { LAB_KERNELS } from '../../src/lab/kernels.ts';
import { GROUPS, kernelsOf, onlyAsked } from '../kernel/matrix.ts';
import { kernelIn } from '../run/kernel-results.ts';
import { kernelsDocument, resultsIn, sourcesIn } from '../run/kernels-document.ts';
import { ROOT } from './sources.ts';

const names = LAB_KERNELS.map(({ name }) => name);
const document = existsSync(`${ROOT}docs/kernels.md`)
  ? readFileSync(`${ROOT}docs/kernels.md`, 'utf8')
  : '';

describe('docs/kernels.md', () => {
  it('has a row for every file of kernel tests, and a column for every kernel', () => {
    const files = readdirSync(`${ROOT}test/kernel`).filter((name) => name.endsWith('.test.ts'));
    expect(GROUPS.map(({ file }) => file).sort()).toEqual(files.sort());
    expect(document).toContain(`| test/kernel/ | about | ${names.join(' | ')} |`);
    const rows = [...document.matchAll(/^\| ([\w-]+\.test\.ts) \|/gm)].map(([, file]) => file);
    expect(rows).toEqual(GROUPS.map(({ file }) => file));
    for (const { tells } of GROUPS) expect(document).toContain(`| ${tells} |`);
  });

  it('names each kernel and how its facts are known', () => {
    for (const name of names) expect(document).toMatch(new RegExp(`^### ${name}( |$)`, 'm'));
  });

  it('reports no failure', () => {
    expect(document).not.toContain('failed');
  });
});

describe('a document that is there', () => {
  const known = {
    'paths.test.ts': { '5.10': { passed: 91, failed: 0 }, '6.12': { passed: 92, failed: 0 } },
    'rules.test.ts': { '6.1': { passed: 59, failed: 0 } },
  };
  const sources = {
    release: '6.12.107+deb13-cloud-amd64',
    sources: { fentry: { drop: 'fexit a, fentry b', mark: '' }, kprobe: { drop: 'c', mark: 'd' } },
  };

  it('gives back what it was written from', () => {
    const text = kernelsDocument(known, (kernel) => (kernel === '6.12' ? sources : undefined));
    expect(resultsIn(text)).toEqual(known);
    expect(sourcesIn(text, '6.12')).toEqual(sources);
    expect(sourcesIn(text, '6.1')).toBeUndefined();
  });

  it('does not give what failed', () => {
    const failed = { 'paths.test.ts': { '7': { passed: 5, failed: 1 } } };
    expect(resultsIn(kernelsDocument(failed, () => undefined))).toEqual({});
  });
});

describe('the kernels of a run', () => {
  it('are those of the group, or those that were asked for', () => {
    expect(kernelsOf('causes.test.ts', '')).toEqual(['6.1']);
    expect(kernelsOf('kernels.test.ts', '')).toEqual(['5.10']);
    expect(kernelsOf('late.test.ts', '')).toEqual([]);
    expect(onlyAsked('')).toContain('late.test.ts');
    expect(onlyAsked('all')).toEqual([]);
    expect(kernelsOf('late.test.ts', 'all')).toEqual(names);
    expect(kernelsOf('late.test.ts', '7,5.10')).toEqual(['5.10', '7']);
    for (const file of ['scenarios.test.ts', 'causes.test.ts']) {
      expect(kernelsOf(file, '')).toEqual(['6.1']);
      expect(kernelsOf(file, 'all')).toEqual(names);
    }
    for (const file of ['rules.test.ts', 'filters.test.ts', 'backends.test.ts']) {
      expect(kernelsOf(file, '')).toEqual([]);
      expect(kernelsOf(file, 'all')).toEqual(names);
    }
    expect(kernelsOf('attach-often.test.ts', 'all')).toEqual(['6.1']);
    expect(() => kernelsOf('nothing.test.ts')).toThrow('nothing.test.ts has no line in GROUPS');
  });

  it('are read out of names of tests', () => {
    expect(kernelIn("kernel '6.12', 'flows' > x")).toBe('6.12');
    expect(kernelIn('kernel 7 > 5.10')).toBe('7');
    expect(kernelIn('a test of no kernel in particular')).toBe('6.1');
  });

  it('have a cell each, and what was not run is said', () => {
    const text = kernelsDocument(
      {
        'late.test.ts': { '6.12': { passed: 17, failed: 0 }, '7': { passed: 3, failed: 2 } },
      },
      () => undefined,
    );
    const row = text.split('\n').find((line) => line.startsWith('| late.test.ts |'));
    expect(row).toMatch(/\| not run \| not run \| 17 \| 3, \*\*2 failed\*\* \|$/);
    expect(text).toMatch(/^\| examples\.test\.ts .*\| other \| not run \| other \| other \|$/m);
  });
});
