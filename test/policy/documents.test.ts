import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { buildProgram } from '../../src/cli/program.ts';
import { ROOT } from './sources.ts';

const DOCUMENTS = ['README.md', 'LIMITS.md', 'CONTRIBUTING.md', 'CHANGELOG.md'];
const read = (path: string) => readFileSync(ROOT + path, 'utf8');

const readme = read('README.md');
const makefile = read('Makefile');
const blocks = [...readme.matchAll(/```\n(.*?)```/gs)].map((match) => match[1]!);

describe('README', () => {
  it('begins with one sentence and exactly two commands', () => {
    const [, sentence = ''] = readme.split('\n\n');
    expect(sentence).toMatch(/^conntrail [^\n]*\.$/);
    expect(sentence.split('. ')).toHaveLength(1);
    const commands = blocks[0]!
      .trim()
      .split('\n')
      .map((line) => line.split(/ {2,}/)[0]);
    expect(commands).toEqual(['make run', 'make test']);
  });

  it('names only targets that the Makefile has', () => {
    const targets = new Set([...makefile.matchAll(/^([a-z-]+):/gm)].map((match) => match[1]!));
    const named = DOCUMENTS.flatMap((path) =>
      [...read(path).matchAll(/(?:^|`)make ([a-z]+)/gm)].map((match) => match[1]!),
    );
    expect(named.length).toBeGreaterThan(3);
    expect(named.filter((name) => !targets.has(name))).toEqual([]);
  });

  it('names every command, and no other', () => {
    const commands = buildProgram().commands.map((command) => command.name());
    const table = [...readme.matchAll(/^\| `conntrail (\w+)`/gm)].map((match) => match[1]!);
    expect(table.sort()).toEqual(commands.sort());
    const named = DOCUMENTS.flatMap((path) =>
      [...read(path).matchAll(/(?:npx |`|\/)conntrail ([a-z]+)/g)].map((match) => match[1]!),
    );
    expect(named.filter((name) => ![...commands, 'help'].includes(name))).toEqual([]);
  });

  it('packs what it says how to install', () => {
    const { name, version, files } = JSON.parse(read('package.json')) as {
      name: string;
      version: string;
      files: string[];
    };
    expect(readme).toContain(`${name}-${version}.tgz`);
    expect(files).toEqual(
      expect.arrayContaining([
        'dist',
        'build/fentry.bpf.o',
        'build/kprobe.bpf.o',
        'build/libconntrail.so',
      ]),
    );
  });
});

describe('CONTRIBUTING', () => {
  it('has each folder of src once, and no other', () => {
    const named = [...read('CONTRIBUTING.md').matchAll(/^ {2}(\w+)\/ /gm)].map(([, name]) => name);
    const there = readdirSync(`${ROOT}src`, { withFileTypes: true });
    const folders = there.filter((one) => one.isDirectory()).map(({ name }) => name);
    expect(named.sort()).toEqual(folders.sort());
  });
});

describe('documents', () => {
  it.each(DOCUMENTS)('%s links to files that are there', (path) => {
    const links = [...read(path).matchAll(/\]\(([^)#]+)\)/g)].map((match) => match[1]!);
    const local = links.filter((link) => !link.includes('://'));
    expect(local.filter((link) => !existsSync(ROOT + link))).toEqual([]);
  });

  it('name only options that some command has', () => {
    const optionsOf = (command: Command): string[] => [
      ...command.options.flatMap((option) => option.long ?? []),
      ...command.commands.flatMap(optionsOf),
    ];
    const known = buildProgram().commands.flatMap(optionsOf);
    const named = DOCUMENTS.flatMap((path) =>
      [...read(path).matchAll(/`(--[a-z-]+)/g)].map((match) => match[1]!),
    );
    expect(named.length).toBeGreaterThan(2);
    expect(named.filter((option) => !known.includes(option) && option !== '--project')).toEqual([]);
  });
});
