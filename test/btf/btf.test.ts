import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Btf } from '../../src/kernel/btf.ts';
import { elfSection } from '../../src/kernel/elf.ts';
import { dropReasonNames, readBtf, VMLINUX_BTF } from '../../src/kernel/read-btf.ts';

const source = fileURLToPath(new URL('fixture.bpf.c', import.meta.url));
let folder: string;
let object: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'btf-'));
  object = join(folder, 'fixture.bpf.o');
  execFileSync('clang', ['-target', 'bpf', '-g', '-O2', '-c', source, '-o', object]);
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('a compiled object', () => {
  it('lays out a struct as the compiler did', () => {
    const shape = readBtf(object).struct('shape');
    expect(shape?.size).toBe(72);
    const rows = shape?.fields.map((f) => [f.path, f.offset, f.size, f.count, f.isSigned]);
    expect(rows).toEqual([
      ['first', 0, 8, 1, false],
      ['second', 8, 4, 1, false],
      ['low', 12, 4, 1, false],
      ['high', 12, 4, 1, false],
      ['choice', 16, 4, 1, false],
      ['pointer', 24, 8, 1, false],
      ['grid', 32, 1, 10, false],
      ['one.left', 44, 4, 1, false],
      ['one.right', 48, 2, 3, true],
      ['plain', 44, 4, 1, true],
      ['many', 48, 12, 2, false],
    ]);
  });

  it('tells bit fields from whole bytes', () => {
    const fields = readBtf(object).struct('shape')?.fields ?? [];
    const bits = fields.filter((f) => f.bitWidth > 0).map((f) => [f.path, f.bitOffset, f.bitWidth]);
    expect(bits).toEqual([
      ['low', 0, 3],
      ['high', 3, 29],
    ]);
  });

  it('reads enum values in order', () => {
    const btf = readBtf(object);
    expect(btf.enumValues('small')).toEqual([
      { name: 'SMALL_ONE', value: 5n },
      { name: 'SMALL_TWO', value: 7n },
    ]);
    expect(btf.enumValues('plain')?.[1]).toEqual({ name: 'PLAIN_BIG', value: 0xfffffff0n });
  });

  it('knows what is there and what is not', () => {
    const btf = readBtf(object);
    expect(btf.has('func', 'keep_function')).toBe(true);
    expect(btf.has('struct', 'pair')).toBe(true);
    expect(btf.has('enum', 'plain')).toBe(true);
    expect(btf.has('func', 'pair')).toBe(false);
    expect(btf.struct('absent')).toBeUndefined();
    expect(btf.enumValues('absent')).toBeUndefined();
  });
});

describe('split BTF', () => {
  it('finds base types and base names through a module', () => {
    const base = readBtf(object);
    const split = Btf.parse(moduleOf(base), base);
    expect(split.struct('pair')?.size).toBe(12);
    expect(split.enumValues('small')).toHaveLength(2);
    expect(split.struct('mod')).toEqual({
      name: 'mod',
      size: 99,
      fields: [
        { path: 'mod', offset: 5, size: 0, count: 1, isSigned: false, bitOffset: 0, bitWidth: 0 },
      ],
    });
  });
});

/** A module's BTF: struct mod { void mod; } of 99 bytes, strings after the base's. */
function moduleOf(base: Btf): Uint8Array {
  const text = base.stringBytes;
  return btfOf([text, (4 << 24) | 1, 99, text, 0, 40], 'mod\0');
}

function btfOf(types: readonly number[], strings: string): Uint8Array {
  const length = types.length * 4;
  const head = [0x0001eb9f, 24, 0, length, length, strings.length];
  const words = Uint8Array.from(new Uint8Array(Uint32Array.from([...head, ...types]).buffer));
  return Uint8Array.from([...words, ...new TextEncoder().encode(strings)]);
}

describe('enums that clang 14 cannot write', () => {
  const isSigned = 1 << 31;

  it('reads a signed enum', () => {
    const btf = Btf.parse(btfOf([1, isSigned | (6 << 24) | 1, 4, 1, -5], '\0low\0'));
    expect(btf.enumValues('low')).toEqual([{ name: 'low', value: -5n }]);
  });

  it('reads 64-bit enums of both signs', () => {
    const values = [1, 0x89abcdef, 0x81234567];
    const read = (flag: number) =>
      Btf.parse(btfOf([1, flag | (19 << 24) | 1, 8, ...values], '\0big\0')).enumValues('big')?.[0];
    expect(read(0)?.value).toBe(0x8123456789abcdefn);
    expect(read(isSigned)?.value).toBe(0x8123456789abcdefn - (1n << 64n));
  });

  it('refuses a kind it does not know', () => {
    expect(() => Btf.parse(btfOf([1, 30 << 24, 0], '\0x\0'))).toThrow(
      'BTF type 1 has the unknown kind 30',
    );
  });
});

describe('refusals', () => {
  it('names the magic it found', () => {
    expect(() => Btf.parse(Uint8Array.from([1, 2, 3, 4]))).toThrow(
      'BTF starts with 0x201, needs 0xeb9f',
    );
  });

  it('refuses BTF cut short', () => {
    const whole = elfSection(readFileSync(object), '.BTF')!;
    const cut = whole.subarray(0, 40);
    expect(() => Btf.parse(cut)).toThrow('BTF of 40 bytes ends inside a type');
  });

  it('refuses an ELF file cut short', () => {
    const cut = join(folder, 'cut.o');
    writeFileSync(cut, readFileSync(object).subarray(0, 100));
    expect(() => readBtf(cut)).toThrow('object of 100 bytes is not a whole ELF file');
  });

  it('refuses a section that ends outside the file', () => {
    const bytes = new Uint8Array(readFileSync(object));
    const view = new DataView(bytes.buffer);
    const [table, size, count] = [
      Number(view.getBigUint64(40, true)),
      64,
      view.getUint16(60, true),
    ];
    for (let i = 0; i < count; i++) view.setUint32(table + i * size + 32, 0x7fffffff, true);
    expect(() => elfSection(bytes, '.BTF')).toThrow('is not a whole ELF file');
  });

  it('names a missing file', () => {
    expect(() => readBtf('/nowhere/x.o')).toThrow('read /nowhere/x.o: ENOENT');
  });

  it('refuses an object without BTF', () => {
    const bare = join(folder, 'bare.o');
    execFileSync('clang', ['-target', 'bpf', '-O2', '-c', source, '-o', bare]);
    expect(() => readBtf(bare)).toThrow(`${bare} has no .BTF section`);
  });
});

describe.skipIf(!existsSync(VMLINUX_BTF))('the running kernel', () => {
  it('names the drop reasons', () => {
    const names = dropReasonNames(readBtf());
    expect(names.get(2)).toBe('NOT_SPECIFIED');
    expect([...names.values()]).toContain('NETFILTER_DROP');
  });

  it('agrees with bpftool about struct sk_buff', () => {
    const json = execFileSync('bpftool', ['btf', 'dump', 'file', VMLINUX_BTF, '-j'], {
      maxBuffer: 1 << 30,
      encoding: 'utf8',
    });
    const types = JSON.parse(json).types as { kind: string; name: string; size: number }[];
    const wanted = types.find((type) => type.kind === 'STRUCT' && type.name === 'sk_buff');
    const struct = readBtf().struct('sk_buff');
    expect(struct?.size).toBe(wanted?.size);
    expect(struct?.fields.find((field) => field.path === 'head')?.size).toBe(8);
  });
});
