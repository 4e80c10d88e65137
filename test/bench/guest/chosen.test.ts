import { describe, expect, it } from 'vitest';
import { withKnownOptions } from './chosen.ts';
import { SUBJECTS } from './subjects.ts';

const OLD = '--out --ready-file --filter --table';
const NEW = `${OLD} --detail --sample --backend`;
const find = (name: string) => SUBJECTS.find((subject) => subject.name === name)!;
const wordsOf = (name: string, help: string) =>
  withKnownOptions(find(name), help)?.command?.argv.slice(6);

describe('subjects', () => {
  it('have names of their own', () => {
    const names = SUBJECTS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  it('are left out where conntrail does not know their options', () => {
    expect(withKnownOptions(find('conntrail-sampled'), OLD)).toBeUndefined();
    expect(wordsOf('conntrail-sampled', NEW)).toEqual(['--detail', 'packets', '--sample', '1/16']);
  });

  it('ask for packets only where there is a choice', () => {
    expect(wordsOf('conntrail-unmatched', OLD)).toEqual(['--filter', 'tcp']);
    expect(wordsOf('conntrail-unmatched', NEW)?.slice(0, 2)).toEqual(['--detail', 'packets']);
  });

  it('that are not conntrail are as they are', () => {
    expect(withKnownOptions(find('bpftrace'), OLD)).toBe(find('bpftrace'));
  });
});
