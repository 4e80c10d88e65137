import { describe, expect, it } from 'vitest';
import { hookAddresses, writeAddresses } from '../../src/capture/hook-addresses.ts';
import { Symbols } from '../../src/kernel/symbols.ts';
import type { BpfObject } from '../../src/libbpf/index.ts';

const OLD = [
  'ffffffff81000050 T nf_hook_slow',
  'ffffffff81000130 T nf_hook_slow_list',
  'ffffffffc0a00100 t ipv4_conntrack_in\t[nf_conntrack]',
  'ffffffffc0a00200 t ipv4_conntrack_local\t[nf_conntrack]',
  'ffffffffc0a00300 t ipv6_conntrack_in\t[nf_conntrack]',
  'ffffffffc0a00400 t ipv6_conntrack_local\t[nf_conntrack]',
  'ffffffffc0a00500 t ipv4_confirm\t[nf_conntrack]',
  'ffffffffc0a00600 t ipv6_confirm\t[nf_conntrack]',
  'ffffffffc0a00700 t nf_confirm\t[nf_conntrack]',
];

function symbolsOf(lines: readonly string[]): Symbols {
  return Symbols.parse(Buffer.from(`${lines.join('\n')}\n`));
}

const IN = [
  0xffffffffc0a00100n,
  0n,
  0n,
  0xffffffffc0a00200n,
  0xffffffffc0a00300n,
  0n,
  0n,
  0xffffffffc0a00400n,
];

describe('the hook functions of conntrack', () => {
  it('are what begins tracking, for each family', () => {
    expect(hookAddresses(symbolsOf(OLD))).toEqual({
      conntrack: IN,
      hookSlow: { begin: 0xffffffff81000050n, end: 0xffffffff81000130n },
      reinject: { begin: 0n, end: 0n },
    });
  });

  it('know what lets a packet out of a queue: one function for all, later that of the queue alone', () => {
    const queue = 'ffffffffc0b00100 t nfqnl_reinject\t[nfnetlink_queue]';
    const all = 'ffffffff81000140 T nf_reinject';
    const end = 'ffffffffc0b00180 t nfqnl_flush\t[nfnetlink_queue]';
    expect(hookAddresses(symbolsOf([...OLD, queue, end]))).toMatchObject({
      reinject: { begin: 0xffffffffc0b00100n, end: 0xffffffffc0b00180n },
    });
    expect(hookAddresses(symbolsOf([...OLD, all, queue, end]))).toMatchObject({
      reinject: { begin: 0xffffffff81000140n, end: 0xffffffffc0a00100n },
    });
  });

  it('are none where conntrack is not loaded', () => {
    expect(hookAddresses(symbolsOf(OLD.slice(0, 2)))).toMatchObject({
      conntrack: Array(8).fill(0n),
    });
  });

  it('are not known where the kernel hides its addresses', () => {
    const hidden = OLD.map((line) => line.replace(/^\w{16}/, '0000000000000000'));
    expect(hookAddresses(symbolsOf(hidden))).toBeUndefined();
  });

  it('go to the settings of the object, as far as there is room', () => {
    const sizes: Readonly<Record<string, number>> = { conntrack_hooks: 32 };
    const written: Record<string, bigint[]> = {};
    const rodata = (name: string) => ({
      size: sizes[name] ?? 8,
      write: (bytes: Uint8Array) => {
        expect(bytes).toHaveLength(sizes[name] ?? 8);
        written[name] = [...new BigUint64Array(bytes.slice().buffer)];
      },
    });
    writeAddresses({ rodata } as unknown as BpfObject, {
      conntrack: [11n, 12n, 13n, 14n, 15n],
      hookSlow: { begin: 31n, end: 32n },
      reinject: { begin: 41n, end: 42n },
    });
    expect(written).toEqual({
      conntrack_hooks: [11n, 12n, 13n, 14n],
      hook_slow_begin: [31n],
      hook_slow_end: [32n],
      reinject_begin: [41n],
      reinject_end: [42n],
    });
  });
});
