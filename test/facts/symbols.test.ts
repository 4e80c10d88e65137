import { describe, expect, it } from 'vitest';
import { loadSymbols, Symbols } from '../../src/kernel/symbols.ts';

const TEXT = [
  '0000000000000000 D __per_cpu_start',
  'ffffffff81000000 T _stext',
  'ffffffff81000000 T _text',
  'ffffffff81000040 t __pfx_nf_hook_slow',
  'ffffffff81000050 T nf_hook_slow',
  'ffffffff81000300 d nf_hook_slow_data',
  'ffffffffc0a02000 t nf_ct_delete.part.0\t[nf_conntrack]',
  'ffffffffc0a01000 t nf_ct_delete\t[nf_conntrack]',
  'ffffffffc0b00000 t twice\t[nft_chain_nat]',
  'ffffffff82000000 t twice',
  'ffffffffc0c00010 W weak_function\t[nf_nat]',
  '',
].join('\n');

const parsed = Symbols.parse(Buffer.from(TEXT));

describe('kernel symbols', () => {
  it('keeps functions only', () => {
    expect(parsed.count).toBe(9);
    expect(parsed.has('__per_cpu_start')).toBe(false);
    expect(parsed.has('nf_hook_slow_data')).toBe(false);
  });

  it('knows where variables are, and no function as one', () => {
    expect(parsed.variable('nf_hook_slow_data')).toBe(0xffffffff81000300n);
    expect(parsed.variable('nf_hook_slow')).toBe(0n);
    expect(parsed.variable('nf_hook')).toBe(0n);
  });

  it('finds whole names, with their module', () => {
    expect(parsed.functions('nf_hook_slow')).toEqual([
      { address: 0xffffffff81000050n, module: undefined },
    ]);
    expect(parsed.functions('nf_ct_delete')).toEqual([
      { address: 0xffffffffc0a01000n, module: 'nf_conntrack' },
    ]);
    expect(parsed.functions('nf_ct_delete.part.0')[0]?.module).toBe('nf_conntrack');
    expect(parsed.has('nf_ct_del')).toBe(false);
    expect(parsed.has('hook_slow')).toBe(false);
  });

  it('knows what the compiler made of a function', () => {
    const text = [
      'ffffffffc0a01000 t cut.part.0\t[nf_nat]',
      'ffffffffc0a02000 t cut.isra.0\t[nf_nat]',
      'ffffffffc0a03000 t cut.part.0.cold\t[nf_nat]',
      'ffffffffc0a04000 d cut.data',
      'ffffffffc0a05000 t uncut',
      '',
    ].join('\n');
    const symbols = Symbols.parse(Buffer.from(text));
    expect(symbols.variants('cut')).toEqual(['cut.isra.0', 'cut.part.0']);
    expect(symbols.variants('uncut')).toEqual([]);
  });

  it('finds every function of a name that exists twice', () => {
    expect(parsed.functions('twice').map((found) => found.module)).toEqual([
      'nft_chain_nat',
      undefined,
    ]);
  });

  it('knows where the code of a function lies: up to the next one', () => {
    expect(parsed.rangeOf('__pfx_nf_hook_slow')).toEqual({
      begin: 0xffffffff81000040n,
      end: 0xffffffff81000050n,
    });
    expect(parsed.rangeOf('_stext')).toEqual({
      begin: 0xffffffff81000000n,
      end: 0xffffffff81000040n,
    });
    const last = parsed.rangeOf('weak_function')!;
    expect(last.begin).toBe(0xffffffffc0c00010n);
    expect(last.end).toBeGreaterThan(last.begin);
    expect(parsed.rangeOf('no_such_function')).toBeUndefined();
    const hidden = Symbols.parse(Buffer.from(TEXT.replace(/^\w{16}/gm, '0000000000000000')));
    expect(hidden.rangeOf('nf_hook_slow')).toBeUndefined();
  });

  it('names the function an address lies in, in whatever order the modules are listed', () => {
    expect(parsed.describe(0xffffffff81000092n)).toBe('nf_hook_slow+0x42');
    expect(parsed.nameAt(0xffffffffc0a01fffn)).toBe('nf_ct_delete');
    expect(parsed.nameAt(0xffffffffc0a02000n)).toBe('nf_ct_delete.part.0');
    expect(parsed.nameAt(0xffffffff81000000n)).toBe('_stext');
  });

  it('names nothing below the first function, nor far behind the last', () => {
    expect(parsed.nameAt(0x1000n)).toBeUndefined();
    expect(parsed.describe(0xffffffffffffffffn)).toBeUndefined();
  });

  it('knows names but no addresses where the kernel hides them', () => {
    const hidden = Symbols.parse(Buffer.from(TEXT.replace(/^[0-9a-f]{16}/gm, '0'.repeat(16))));
    expect(hidden.hasAddresses).toBe(false);
    expect(hidden.has('nf_hook_slow')).toBe(true);
    expect(hidden.nameAt(0xffffffff81000092n)).toBeUndefined();
    expect(parsed.hasAddresses).toBe(true);
  });

  it('reads an empty list, and one without a last newline', () => {
    expect(Symbols.parse(Buffer.from('')).count).toBe(0);
    expect(Symbols.parse(Buffer.from('ffffffff81000050 T last')).has('last')).toBe(true);
  });

  it('reads this kernel', () => {
    const here = loadSymbols();
    expect(here.count).toBeGreaterThan(10_000);
    expect(here.has('ip_rcv')).toBe(true);
  });

  it('refuses a list that is not there', () => {
    expect(() => loadSymbols('/nonexistent/kallsyms')).toThrow(
      'read /nonexistent/kallsyms: ENOENT',
    );
  });
});
