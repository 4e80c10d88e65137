import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type Clocks, clockOffsetNs } from '../../src/kernel/clock.ts';
import { readConntrackStats } from '../../src/kernel/conntrack-stats.ts';
import { dropReasons } from '../../src/kernel/drop-reasons.ts';
import { parseModules, presenceOf } from '../../src/kernel/modules.ts';
import { netnsNames, ownNetns } from '../../src/kernel/netns.ts';
import { parseCapabilities, parseLockdown } from '../../src/kernel/privileges.ts';
import { isAtLeast, parseRelease } from '../../src/kernel/release.ts';
import { readSysctl } from '../../src/kernel/sysctl.ts';
import { parseConntrackStats, parseCpuStats } from '../../src/table/parse-proc-stats.ts';

describe('kernel release', () => {
  it('reads major and minor', () => {
    expect(parseRelease('6.1.0-50-amd64')).toEqual({ text: '6.1.0-50-amd64', major: 6, minor: 1 });
    expect(parseRelease('nonsense').major).toBe(0);
  });

  it('compares versions, not texts', () => {
    expect(isAtLeast(parseRelease('5.10.0-32'), 5, 10)).toBe(true);
    expect(isAtLeast(parseRelease('5.9.16'), 5, 10)).toBe(false);
    expect(isAtLeast(parseRelease('6.1.0'), 5, 10)).toBe(true);
  });
});

describe('modules', () => {
  const loaded = parseModules(
    'nf_nat 61440 2 nft_chain_nat,nft_nat, Live 0xffffffffc0a01000\nnf_tables 372736 0 - Live 0x0\n',
  );

  it('reads /proc/modules', () => {
    expect([...loaded]).toEqual(['nf_nat', 'nf_tables']);
    expect(parseModules('').size).toBe(0);
  });

  it('tells loaded, built in and absent apart', () => {
    const has = (name: string) => name === 'nf_conntrack_in';
    expect(presenceOf('nf_nat', loaded, has)).toBe('loaded');
    expect(presenceOf('nf_conntrack', loaded, has)).toBe('built in');
    expect(presenceOf('nft_chain_nat', loaded, has)).toBe('absent');
  });
});

describe('network namespaces', () => {
  const folder = mkdtempSync(join(tmpdir(), 'conntrail-netns-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('names a namespace by its inode', () => {
    mkdirSync(join(folder, 'sub'));
    writeFileSync(join(folder, 'blue'), '');
    const names = netnsNames(folder);
    expect(names[statSync(join(folder, 'blue')).ino]).toBe('blue');
  });

  it('knows its own, and works without a single name', () => {
    expect(ownNetns()).toBeGreaterThan(0);
    expect(Object.values(netnsNames('/nonexistent')).filter((name) => name !== 'init')).toEqual([]);
  });
});

describe('conntrack statistics', () => {
  const head =
    'entries  clashres found new invalid ignore delete chainlength insert insert_failed drop early_drop icmp_error  expect_new expect_create expect_delete search_restart';
  const row = (first: number) =>
    Array.from({ length: 17 }, (_, index) => (first + index).toString(16).padStart(8, '0')).join(
      ' ',
    );

  it('sums the counters over the CPUs and leaves out what is not counted', () => {
    expect(parseConntrackStats(`${head}\n${row(0x10)}\n${row(0x100)}\n`)).toEqual({
      clash_resolve: 0x112,
      found: 0x114,
      invalid: 0x118,
      chaintoolong: 0x11e,
      insert: 0x120,
      insert_failed: 0x122,
      drop: 0x124,
      early_drop: 0x126,
      error: 0x128,
      expect_new: 0x12a,
      expect_create: 0x12c,
      expect_delete: 0x12e,
      search_restart: 0x130,
    });
  });

  it('keeps the CPUs apart', () => {
    const cpus = parseCpuStats(`${head}\n${row(0x10)}\n${row(0x100)}\n`);
    expect(cpus.map(({ invalid, early_drop: early }) => [invalid, early])).toEqual([
      [0x14, 0x1b],
      [0x104, 0x10b],
    ]);
  });

  it('knows that 5.10 has another eighth column', () => {
    const old = head
      .replace('entries  clashres', 'entries  searched')
      .replace('chainlength', 'delete_list');
    const stats = parseConntrackStats(`${old}\n${row(1)}`);
    expect(stats).not.toHaveProperty('chaintoolong');
    expect(stats.insert).toBe(9);
  });

  it('is null where the kernel shows none', () => {
    expect(readConntrackStats('/nonexistent')).toBeNull();
  });
});

describe('privileges', () => {
  it('reads the effective capabilities', () => {
    const status = 'Name:\tnode\nCapPrm:\t000001ffffffffff\nCapEff:\t000000c000001000\n';
    expect([...parseCapabilities(status)].sort()).toEqual([
      'CAP_BPF',
      'CAP_NET_ADMIN',
      'CAP_PERFMON',
    ]);
    expect(parseCapabilities('CapEff:\t0000000000200000').has('CAP_SYS_ADMIN')).toBe(true);
    expect(parseCapabilities('').size).toBe(0);
  });

  it('reads the lockdown in force', () => {
    expect(parseLockdown('none [integrity] confidentiality')).toBe('integrity');
    expect(parseLockdown('[none] integrity confidentiality')).toBe('none');
    expect(parseLockdown('')).toBe('none');
  });
});

describe('clock offset', () => {
  /** Monotonic time goes on by the next of `steps` at each reading; the wall clock follows it. */
  function fakeClocks(offsetNs: bigint, steps: readonly bigint[]): Clocks {
    let now = 0n;
    let reading = 0;
    return {
      monotonicNs: () => {
        now += steps[reading++ % steps.length]!;
        return now;
      },
      wallMs: () => Number((now + offsetNs) / 1_000_000n),
    };
  }

  it('is exact to the distance of two readings', () => {
    const offset = 1_700_000_000_123_456_789n;
    const found = clockOffsetNs(fakeClocks(offset, [300n, 200n]));
    expect(Math.abs(Number(found - offset))).toBeLessThanOrEqual(500);
  });

  it('takes the tightest step when the process was interrupted in another', () => {
    const offset = 5_000_000_000n;
    const slow = new Array<bigint>(10).fill(170_000n);
    const found = clockOffsetNs(
      fakeClocks(offset, [...slow, ...new Array<bigint>(99_999).fill(90n)]),
    );
    expect(Math.abs(Number(found - offset))).toBeLessThanOrEqual(200);
  });

  it('agrees with the system clocks', () => {
    const wallMs = Number((clockOffsetNs() + process.hrtime.bigint()) / 1_000_000n);
    expect(Math.abs(wallMs - Date.now())).toBeLessThan(50);
  });
});

describe('sysctls and drop reasons', () => {
  it('reads a sysctl by its dotted name', () => {
    expect(readSysctl('kernel.osrelease')).toMatch(/^\d+\.\d+/);
    expect(readSysctl('net.netfilter.no_such_thing')).toBeUndefined();
  });

  it('has no drop reasons where there is no BTF', () => {
    expect(dropReasons('/nonexistent')).toEqual({});
  });
});
