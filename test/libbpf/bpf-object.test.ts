import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { libbpf, load } from '../../src/libbpf/bindings.ts';
import { perCpuStride, possibleCpus } from '../../src/libbpf/bpf-map.ts';
import { BpfObject } from '../../src/libbpf/bpf-object.ts';
import { loadShim } from '../../src/libbpf/shim.ts';
import { TraceError } from '../../src/model/error.ts';
import { useFixture } from './fixture.ts';

const { fixture, withObject } = useFixture();

function refusalOf(act: () => unknown): TraceError {
  try {
    act();
  } catch (error) {
    if (error instanceof TraceError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('an opened object', () => {
  it('lists its programs with their sections', () => {
    withObject((object) => {
      expect(object.programs.map((program) => [program.name, program.section])).toEqual([
        ['entered', 'kprobe/nf_hook_slow'],
        ['left', 'kretprobe/nf_hook_slow'],
      ]);
    });
  });

  it('lists its maps with their shapes', () => {
    withObject((object) => {
      const maps = object.maps.map((map) => [
        map.name,
        map.keyBytes,
        map.valueBytes,
        map.maxEntries,
      ]);
      expect(maps.sort()).toEqual([
        ['counters', 4, 16, 1],
        ['fixture.rodata', 4, 24, 1],
        ['phase', 4, 4, 3],
        ['rings', 4, 4, 1],
      ]);
    });
  });

  it('changes how many entries a map has', () => {
    withObject((object) => {
      object.map('rings').setMaxEntries(17);
      expect(object.map('rings').maxEntries).toBe(17);
    });
  });

  it('chooses which programs to load', () => {
    withObject((object) => {
      object.program('left').setAutoload(false);
      expect(object.programs.map((program) => program.isLoadedByDefault)).toEqual([true, false]);
    });
  });

  it('names what is there when asked for what is not', () => {
    withObject((object) => {
      expect(object.findProgram('nope')).toBeUndefined();
      expect(() => object.program('nope')).toThrow(
        `${fixture.path} has no program nope, it has entered, left`,
      );
      expect(() => object.map('nope')).toThrow(/has no map nope, it has .*counters/);
      expect(() => object.rodata('nope')).toThrow('has no setting nope, it has wake_bytes, filter');
    });
  });

  it('refuses use after close, and closes once', () => {
    const object = BpfObject.open(fixture.path);
    object.close();
    object.close();
    expect(() => object.programs).toThrow(`object ${fixture.path} is closed`);
  });
});

describe('settings', () => {
  it('reads what was compiled in', () => {
    withObject((object) => {
      expect(object.rodata('wake_bytes').read().readUInt32LE()).toBe(65536);
      const filter = object.rodata('filter').read();
      expect(filter.readUInt32LE(0)).toBe(53);
      expect(filter.readBigUInt64LE(8)).toBe(0x0102030405060708n);
    });
  });

  it('reads back what was written, and leaves the others', () => {
    withObject((object) => {
      object.rodata('wake_bytes').write(Uint8Array.from([1, 2, 3, 4]));
      expect([...object.rodata('wake_bytes').read()]).toEqual([1, 2, 3, 4]);
      expect(object.rodata('filter').read().readUInt32LE(0)).toBe(53);
      object.rodata('filter').write(Uint8Array.from({ length: 16 }, (_, index) => index + 10));
      expect(object.rodata('filter').read()[15]).toBe(25);
      expect([...object.rodata('wake_bytes').read()]).toEqual([1, 2, 3, 4]);
    });
  });

  it('refuses another size', () => {
    withObject((object) => {
      expect(() => object.rodata('wake_bytes').write(new Uint8Array(3))).toThrow(
        'setting wake_bytes has 4 bytes, found 3',
      );
    });
  });
});

describe('refusals', () => {
  it('names a missing file', () => {
    const refusal = refusalOf(() => BpfObject.open('/nowhere/a.bpf.o'));
    expect(refusal.message).toBe(
      'bpf_object__open_file /nowhere/a.bpf.o: ENOENT (no such file or directory)',
    );
    expect(refusal.code).toBe('missing');
    expect(refusal.hint).toBe('build the object again, or install the package again');
  });

  it('says what is wrong with a corrupt object', () => {
    const corrupt = join(fixture.folder, 'corrupt.bpf.o');
    writeFileSync(corrupt, 'no object at all, but long enough to be read as one ...............');
    const refusal = refusalOf(() => BpfObject.open(corrupt));
    expect(refusal.message).toBe(
      `bpf_object__open_file ${corrupt}: LIBBPF_ERRNO__FORMAT (not an eBPF object)`,
    );
    expect(refusal.code).toBe('corrupt');
  });

  it('needs the size of the key and the value', () => {
    withObject((object) => {
      expect(() => object.map('phase').update(new Uint8Array(3), new Uint8Array(4))).toThrow(
        'key of map phase has 3 bytes, needs 4',
      );
      expect(() => object.map('phase').update(new Uint8Array(4), new Uint8Array(8))).toThrow(
        'value of map phase has 8 bytes, needs 4',
      );
    });
  });

  it('keeps per-CPU values and single ones apart', () => {
    withObject((object) => {
      const key = new Uint8Array(4);
      const refused = 'map counters has per-CPU values, needs single ones';
      expect(() => object.map('counters').lookup(key)).toThrow(refused);
      expect(() => object.map('counters').update(key, new Uint8Array(16))).toThrow(refused);
      expect(() => object.map('phase').lookupPerCpu(key)).toThrow(
        'map phase has single values, needs per-CPU',
      );
    });
    expect([1, 8, 9, 12, 16].map(perCpuStride)).toEqual([8, 8, 16, 16, 16]);
  });

  it('has no descriptor before load', () => {
    withObject((object) => {
      expect(() => object.map('counters').fd).toThrow('map counters is not loaded');
      expect(() => object.map('phase').lookup(new Uint8Array(4))).toThrow('is not loaded');
    });
  });

  it('tells how to get a missing libbpf', () => {
    const refusal = refusalOf(() => load('libbpf.so.99'));
    expect(refusal.message).toBe('libbpf.so.99: libbpf 1.x cannot be loaded');
    expect(refusal.hint).toBe('apt-get install libbpf1');
  });

  it('tells how to get a missing shim', () => {
    const refusal = refusalOf(() => loadShim('/nowhere/libconntrail.so'));
    expect(refusal.message).toBe('/nowhere/libconntrail.so is not there');
    expect(refusal.hint).toBe('make native');
    const other = join(fixture.folder, 'other.so');
    writeFileSync(other, 'not a library');
    expect(() => loadShim(other)).toThrow(`${other} cannot be loaded on this machine`);
  });
});

it('is libbpf 1.x, and knows the CPUs', () => {
  expect(libbpf().libbpf_version_string()).toMatch(/^v1\.\d+/);
  expect(possibleCpus()).toBeGreaterThan(0);
});
