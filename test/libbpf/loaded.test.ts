import { describe, expect, it } from 'vitest';
import { MapType, OwnMap, possibleCpus } from '../../src/libbpf/bpf-map.ts';
import { Drain } from '../../src/libbpf/drain.ts';
import { TraceError } from '../../src/model/error.ts';
import { useFixture } from './fixture.ts';

const { withObject } = useFixture();

/* Without the privilege each of these ends in a refusal, whose text is checked instead. */
describe('a kernel that may refuse', () => {
  const ring = {
    type: MapType.ringbuf,
    name: 'ring',
    keyBytes: 0,
    valueBytes: 0,
    maxEntries: 8192,
  };

  async function unlessRefused(act: () => Promise<void> | void): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (!(error instanceof TraceError)) throw error;
      expect(error.code).toBe('permission');
      expect(error.message).toMatch(/^bpf_[a-z_]+ [^:]+: EPERM \(operation not permitted\)$/);
    }
  }

  it('loads an object and reads its per-CPU values', () =>
    unlessRefused(() =>
      withObject((object) => {
        object.load();
        const values = object.map('counters').lookupPerCpu(new Uint8Array(4));
        expect(values).toHaveLength(possibleCpus());
        expect(values.every((value) => value.equals(Buffer.alloc(16)))).toBe(true);
      }),
    ));

  it('reads back a value', () =>
    unlessRefused(() =>
      withObject((object) => {
        object.load();
        object.map('phase').update(Uint8Array.of(2, 0, 0, 0), Uint8Array.of(9, 8, 7, 6));
        expect([...object.map('phase').lookup(Uint8Array.of(2, 0, 0, 0))]).toEqual([9, 8, 7, 6]);
        expect([...object.map('phase').lookup(Uint8Array.of(1, 0, 0, 0))]).toEqual([0, 0, 0, 0]);
      }),
    ));

  it('fixes the settings at load', () =>
    unlessRefused(() =>
      withObject((object) => {
        object.load();
        const write = () => object.rodata('wake_bytes').write(new Uint8Array(4));
        expect(write).toThrow(/^bpf_map__set_initial_value fixture\.rodata: E[A-Z]+ \(/);
      }),
    ));

  it('puts a ring into a map of maps', () =>
    unlessRefused(() => {
      const inner = OwnMap.create(ring);
      try {
        withObject((object) => {
          object.map('rings').setInnerMap(inner.fd);
          object.load();
          object
            .map('rings')
            .update(new Uint8Array(4), Buffer.from(Int32Array.of(inner.fd).buffer));
          expect(() => object.map('rings').lookup(Uint8Array.of(9, 0, 0, 0))).toThrow(
            'bpf_map_lookup_elem rings: ENOENT (no such file or directory)',
          );
        });
      } finally {
        inner.close();
      }
      expect(() => inner.fd).toThrow('map ring is closed');
    }));

  it("drains the kernel's own ring", () =>
    unlessRefused(async () => {
      const rings = [OwnMap.create(ring), OwnMap.create(ring)];
      const drain = Drain.open(
        rings.map((map) => map.fd),
        96,
      );
      for (const map of rings) map.close(); // the drain's own mapping keeps a ring
      const result = await drain.waitTake(new Uint8Array(96), 20);
      expect(result).toMatchObject({ records: 0, ringsBusy: 0, ringsLeft: 0, isWoken: false });
      expect(result.horizonNs).toBe(result.clockNs);
      await drain.close();
    }));

  it('refuses a map that is no ring', () =>
    unlessRefused(() => {
      const hash = OwnMap.create({ ...ring, type: MapType.hash, keyBytes: 4, valueBytes: 4 });
      expect(() => Drain.open([hash.fd], 96)).toThrow('drain_open of 1 rings: EINVAL');
      hash.close();
    }));

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
