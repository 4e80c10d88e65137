import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { objectPath } from '../../src/capture/object.ts';
import { elfSection } from '../../src/kernel/elf.ts';
import { findFunction, replaceFunction } from '../../src/kernel/elf-function.ts';
import { BpfObject } from '../../src/libbpf/bpf-object.ts';
import { compilePcap, loadPcap } from '../../src/libbpf/pcap.ts';

const OBJECT_PATH = objectPath('kprobe');
const EXIT_WITH_ZERO = Uint8Array.from([0xb4, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0]);

describe('libpcap', () => {
  it('compiles to instructions of eight bytes, the last a return', () => {
    const program = compilePcap('tcp');
    expect(program.length % 8).toBe(0);
    expect(program[program.length - 8]).toBe(0x06);
  });

  it('is named with its package where it is not there', () => {
    expect(() => loadPcap('libnowhere.so.9')).toThrow(
      'libnowhere.so.9 cannot be loaded, which this --filter needs',
    );
    try {
      loadPcap('libnowhere.so.9');
    } catch (error) {
      expect(error).toMatchObject({ code: 'missing', hint: 'apt-get install libpcap0.8' });
    }
  });
});

describe('a replaced function', () => {
  it('is as long as its new body, and no other byte changes', () => {
    const before = readFileSync(OBJECT_PATH);
    const after = Buffer.from(before);
    const { start, size } = findFunction(before, 'pcap_program');
    expect(size).toBeGreaterThan(4096 * 8);
    replaceFunction(after, 'pcap_program', EXIT_WITH_ZERO);
    expect(findFunction(after, 'pcap_program')).toMatchObject({ start, size: 16 });
    const text = elfSection(after, '.text')!;
    expect(text.subarray(start, start + 16)).toEqual(Buffer.from(EXIT_WITH_ZERO));
    const changed = after.filter((byte, index) => byte !== before[index]);
    expect(changed.length).toBeLessThanOrEqual(16 + 8);
  });

  it('leaves an object that libbpf opens', () => {
    const object = BpfObject.openReplaced(OBJECT_PATH, 'pcap_program', EXIT_WITH_ZERO);
    expect(object.programs.map(({ name }) => name)).toContain('hook_enter');
    expect(
      object
        .rodata('filter')
        .read()
        .every((byte) => byte === 0),
    ).toBe(true);
    object.close();
  });

  it('has no more room than the old one', () => {
    const object = readFileSync(OBJECT_PATH);
    const { size } = findFunction(object, 'pcap_program');
    expect(() => replaceFunction(object, 'pcap_program', new Uint8Array(size + 8))).toThrow(
      `pcap_program of ${size + 8} bytes, ${size} is the most`,
    );
  });

  it('must be there', () => {
    expect(() => findFunction(readFileSync(OBJECT_PATH), 'nope')).toThrow(
      'the object has no function nope',
    );
  });
});
