import { describe, expect, it } from 'vitest';
import { type SourceFile, sourceFiles } from './sources.ts';

const FILE_LINES = 200;
const BPF_FUNCTION_LINES = 45;
/** Written by a program, or a table of data. */
const GENERATED = ['src/wire/layout.ts'];

const typescript = sourceFiles('src', '.ts').filter(({ path }) => !GENERATED.includes(path));
const bpf = sourceFiles('bpf', '.c', '.h');

function lineCount({ text }: SourceFile): number {
  return text.split('\n').length - 1;
}

/** Kernel style: the brace of a function stands alone in the first column, and so does its end. */
function functionLengths({ path, text }: SourceFile): { name: string; lines: number }[] {
  const lines = text.split('\n');
  return lines.flatMap((line, start) => {
    if (line !== '{') return [];
    const end = lines.indexOf('}', start);
    return [{ name: `${path}: ${lines[start - 1]}`, lines: end - start + 2 }];
  });
}

describe('budgets', () => {
  it.each([
    ['src', typescript],
    ['bpf', bpf],
  ])('keeps every file of %s on a few screens', (_, files) => {
    const long = files.filter((file) => lineCount(file) > FILE_LINES);
    expect(long.map((file) => `${file.path}: ${lineCount(file)} lines`)).toEqual([]);
  });

  // Functions of TypeScript are measured by the linter: biome.json.
  it('keeps every function of the probes on one screen', () => {
    const all = bpf.flatMap(functionLengths);
    expect(all.length).toBeGreaterThan(40);
    const long = all.filter(({ lines }) => lines > BPF_FUNCTION_LINES);
    expect(long.map(({ name, lines }) => `${name}: ${lines} lines`)).toEqual([]);
  });
});
