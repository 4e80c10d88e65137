import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { checkFunctionBtf, hasFunctionBtf } from '../../src/capture/requirements.ts';
import { Symbols } from '../../src/kernel/symbols.ts';

const symbols = (...lines: string[]) => Symbols.parse(Buffer.from(`${lines.join('\n')}\n`));
const IN_MODULE = symbols('ffffffffc0a01000 T __nf_conntrack_confirm\t[nf_conntrack]');
const BUILT_IN = symbols('ffffffff81a02000 T __nf_conntrack_confirm');

describe('what fentry needs', () => {
  const folderOf = (...names: string[]): string => {
    const folder = mkdtempSync(join(tmpdir(), 'conntrail-btf-'));
    for (const name of names) writeFileSync(join(folder, name), '');
    return folder;
  };
  const bare = folderOf('vmlinux', 'nf_nat');
  const full = folderOf('vmlinux', 'nf_conntrack');
  afterAll(() => {
    for (const folder of [bare, full]) rmSync(folder, { recursive: true, force: true });
  });

  it('is there with the BTF of the module, or where conntrack is part of the kernel', () => {
    expect(hasFunctionBtf(IN_MODULE, full)).toBe(true);
    expect(hasFunctionBtf(IN_MODULE, bare)).toBe(false);
    expect(hasFunctionBtf(BUILT_IN, bare)).toBe(true);
    expect(() => checkFunctionBtf(IN_MODULE, full)).not.toThrow();
    expect(() => checkFunctionBtf(BUILT_IN, bare)).not.toThrow();
  });

  it('is missed in one line, with what to do instead', () => {
    expect(() => checkFunctionBtf(IN_MODULE, bare)).toThrow(
      expect.objectContaining({
        code: 'unsupported',
        message: `no ${bare}/nf_conntrack, which fentry needs: this kernel's modules carry no BTF`,
        hint: '--backend kprobe',
      }),
    );
  });
});
