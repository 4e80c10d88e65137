import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ROOT, sourceFiles } from './sources.ts';

const files = sourceFiles('src', '.ts');
const probes = sourceFiles('bpf', '.c', '.h');

describe('words', () => {
  it('has no file for things that have no place', () => {
    const wrong = [...files, ...probes].filter(({ path }) =>
      /\b(utils?|helpers?|common|misc)\b/.test(path),
    );
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });

  it('names files in kebab-case', () => {
    const wrong = files.filter(({ path }) => !/^src(\/[a-z0-9-]+)+\.ts$/.test(path));
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });

  it('has no enum, no any, no namespace and no marker of unfinished work', () => {
    const words =
      /^\s*(export )?(const )?enum |: any\b|as any\b|^\s*(export )?namespace |\b(TODO|FIXME|XXX)\b/m;
    expect(
      [...files, ...probes]
        .filter(({ text, path }) => path.endsWith('.ts') && words.test(text))
        .map(({ path }) => path),
    ).toEqual([]);
  });

  it('calls one thing by one name', () => {
    // Declared names only: texts of the kernel and of other tools keep their own words.
    const declared =
      /\b(?:const|let|function|class|interface|type|readonly)\s+(\w*(?:5tuple|FiveTuple|Connection|Binding|[Ee]vent(?!s?Loop)|Dump)\w*)/g;
    const wrong = files.flatMap(({ path, text }) =>
      [...text.matchAll(declared)].map((match) => `${path}: ${match[1]}`),
    );
    expect(wrong).toEqual([]);
  });

  it('writes error messages as lower case without a full stop', () => {
    const messages = /new TraceError\(\s*'\w+',\s*(['`])((?:(?!\1).)*)\1/gs;
    const wrong = files.flatMap(({ path, text }) =>
      [...text.matchAll(messages)]
        .map((match) => match[2]!)
        .filter((message) => /^[A-Z][a-z]/.test(message) || /[^.]\.$/.test(message))
        .map((message) => `${path}: ${message}`),
    );
    expect(wrong).toEqual([]);
  });

  it('says GPL-2.0-only in package.json and in LICENSE', () => {
    const manifest = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as { license: string };
    expect(manifest.license).toBe('GPL-2.0-only');
    expect(readFileSync(`${ROOT}LICENSE`, 'utf8')).toContain('GNU GENERAL PUBLIC LICENSE');
  });

  it('has the documents that others refer to', () => {
    expect(readdirSync(ROOT)).toEqual(
      expect.arrayContaining([
        'README.md',
        'LIMITS.md',
        'CONTRIBUTING.md',
        'CHANGELOG.md',
        'LICENSE',
      ]),
    );
  });
});
