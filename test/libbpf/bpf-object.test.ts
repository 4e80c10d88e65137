import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { libbpf, load } from '../../src/libbpf/bindings.ts';
import { MapType, OwnMap, possibleCpus } from '../../src/libbpf/bpf-map.ts';
import { BpfObject } from '../../src/libbpf/bpf-object.ts';
import { loadShim } from '../../src/libbpf/shim.ts';
import { TraceError } from '../../src/model/error.ts';
import { make } from '../native/build.ts';
import { compileFixture } from './compile.ts';

let folder: string;
let path: string;

beforeAll(() => {
  make('native');
  ({ folder, object: path } = compileFixture());
});
afterAll(() => rmSync(folder, { recursive: true }));

function withObject(use: (object: BpfObject) => void): void {
  const object = BpfObject.open(path);
  try {
    use(object);
  } finally {
    object.close();
  }
}

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
        `${path} has no program nope, it has entered, left`,
      );
      expect(() => object.map('nope')).toThrow(/has no map nope, it has .*counters/);
      expect(() => object.rodata('nope')).toThrow('has no setting nope, it has wake_bytes, filter');
    });
  });

  it('refuses use after close, and closes once', () => {
    const object = BpfObject.open(path);
    object.close();
    object.close();
    expect(() => object.programs).toThrow(`object ${path} is closed`);
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
    const corrupt = join(folder, 'corrupt.bpf.o');
    writeFileSync(corrupt, 'no object at all, but long enough to be read as one ...............');
    const refusal = refusalOf(() => BpfObject.open(corrupt));
    expect(refusal.message).toBe(
      `bpf_object__open_file ${corrupt}: LIBBPF_ERRNO__FORMAT (not an eBPF object)`,
    );
    expect(refusal.code).toBe('corrupt');
  });

  it('needs the size of the key and the value', () => {
    withObject((object) => {
      expect(() => object.map('counters').update(new Uint8Array(3), new Uint8Array(16))).toThrow(
        'key of map counters has 3 bytes, needs 4',
      );
      expect(() => object.map('counters').update(new Uint8Array(4), new Uint8Array(8))).toThrow(
        'value of map counters has 8 bytes, needs 16',
      );
    });
  });

  it('has no descriptor before load', () => {
    withObject((object) => {
      expect(() => object.map('counters').fd).toThrow('map counters is not loaded');
      expect(() => object.map('counters').lookup(new Uint8Array(4))).toThrow('is not loaded');
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
    const other = join(folder, 'other.so');
    writeFileSync(other, 'not a library');
    expect(() => loadShim(other)).toThrow(`${other} cannot be loaded on this machine`);
  });
});

it('is libbpf 1.x, and knows the CPUs', () => {
  expect(libbpf().libbpf_version_string()).toMatch(/^v1\.\d+/);
  expect(possibleCpus()).toBeGreaterThan(0);
});

/* Where the kernel allows BPF these pass too: then nothing is refused. */
describe('a kernel that may refuse', () => {
  it('loads, or says the operation and the errno', () => {
    withObject((object) => {
      try {
        object.load();
      } catch (error) {
        if (!(error instanceof TraceError)) throw error;
        expect(error.message).toMatch(/^bpf_object__load \/.+\.bpf\.o: E[A-Z]+ \([a-z ]+\)/);
        expect(error.message).not.toContain('\n');
        return;
      }
      expect(object.map('counters').lookupPerCpu(new Uint8Array(4))).toHaveLength(possibleCpus());
    });
  });

  it('creates a ring, or says the operation and the errno', () => {
    const settings = { type: MapType.ringbuf, name: 'ring', keyBytes: 0, valueBytes: 0 };
    try {
      OwnMap.create({ ...settings, maxEntries: 4096 }).close();
    } catch (error) {
      if (!(error instanceof TraceError)) throw error;
      expect(error.message).toMatch(/^bpf_map_create ring: E[A-Z]+ \([a-z ]+\)$/);
    }
  });

  it('refuses to attach what was not loaded', () => {
    withObject((object) => {
      const attach = () =>
        object.program('entered').attachKprobe('nf_hook_slow', { isReturn: true });
      expect(attach).toThrow(
        /^bpf_program__attach_kprobe entered as kretprobe of nf_hook_slow: E[A-Z]+ \([a-z ]+\)/,
      );
    });
  });
});
