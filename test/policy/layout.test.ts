/** What crosses from the kernel to user space is laid out as bpf/record.h says, in every reader. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { beforeAll, expect, it } from 'vitest';
import { readBtf } from '../../src/kernel/read-btf.ts';
import { wireLayoutText } from '../../src/kernel/wire-layout.ts';
import { countersBytes, filterTermsBytes, recordBytes } from '../../src/wire/layout.ts';
import { ROOT } from './sources.ts';

const OBJECT = `${ROOT}build/layout.bpf.o`;

beforeAll(() => {
  execFileSync('make', ['-s', 'build/layout.bpf.o'], { cwd: ROOT, stdio: 'pipe' });
});

it('src/wire/layout.ts is what the compiler made of bpf/record.h', () => {
  const written = readFileSync(`${ROOT}src/wire/layout.ts`, 'utf8');
  expect(wireLayoutText(readBtf(OBJECT))).toBe(written);
});

it('the sizes are those of the object', () => {
  const btf = readBtf(OBJECT);
  expect(btf.struct('record')?.size).toBe(recordBytes);
  expect(btf.struct('counters')?.size).toBe(countersBytes);
  expect(btf.struct('filter_terms')?.size).toBe(filterTermsBytes);
});

it('a record is 96 bytes without holes', () => {
  expect(recordBytes).toBe(96);
  const fields = readBtf(OBJECT).struct('record')?.fields ?? [];
  const covered = new Set<number>();
  for (const { offset, size, count } of fields) {
    for (let byte = 0; byte < size * Math.max(count, 1); byte++) covered.add(offset + byte);
  }
  expect(covered.size).toBe(96);
});
