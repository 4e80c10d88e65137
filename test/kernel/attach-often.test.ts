/**
 * Attached and detached 200 times in one process, under traffic: each round
 * sees the flows that were made in it, nothing stays in the kernel. A round is
 * mostly the verifier's, seconds of it where the processor is emulated:
 * CONNTRAIL_ROUNDS makes them fewer.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runInGuest } from './in-guest.ts';
import { kernelsOf } from './matrix.ts';

const ROUNDS = Number(process.env.CONNTRAIL_ROUNDS ?? 200);
/** After so many the kernel holds what it keeps for good: caches, pools. */
const FIRST = ROUNDS / 5;
const GUEST_SEC = 300 + ROUNDS * 30;

/** What attach-often.mjs prints: counts, and memory in KiB. */
interface Held {
  readonly programs: number;
  readonly maps: number;
  readonly links: number;
  readonly kprobes: number;
  readonly functions: number;
  readonly available: number;
  readonly slab: number;
  readonly own: number;
}
interface Told {
  readonly flowsEach: number;
  readonly seen: readonly number[];
  readonly before: Held;
  readonly after: Held;
  readonly end: Held;
}

/** Beside the rounds somebody makes new flows all the time. */
const SCRIPT = `
modprobe nf_conntrack
nft 'table ip own {
  counter made { }
  chain output {
    type filter hook output priority 0
    udp dport 9000 ct state new counter name made
  }
}' || exit 9
( while :; do echo x > /dev/udp/127.0.0.1/7; sleep 0.1; done ) 2> /dev/null & noise=$!
node test/kernel/attach-often.mjs ${ROUNDS} ${FIRST} flows > $OUT/told.json || exit 8
kill $noise
nft -j list counter ip own made > $OUT/made.json`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conntrail-often-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.each(kernelsOf('attach-often.test.ts'))('kernel %s', (kernel) => {
  let told: Told;
  let made: number;

  beforeAll(async () => {
    const outDir = join(folder, kernel);
    await runInGuest(SCRIPT, { kernel, outDir, timeoutSec: GUEST_SEC });
    const text = (name: string) => readFile(join(outDir, name), 'utf8');
    told = JSON.parse(await text('told.json')) as Told;
    const { nftables } = JSON.parse(await text('made.json')) as {
      nftables: readonly { readonly counter?: { readonly packets: number } }[];
    };
    made = nftables.find(({ counter }) => counter !== undefined)!.counter!.packets;
  }, GUEST_SEC * 1000);

  it('sees in each round the flows made in it, as many as nft counted in all', () => {
    expect(told.seen).toEqual(Array(ROUNDS).fill(told.flowsEach));
    expect(told.seen.reduce((sum, count) => sum + count, 0)).toBe(made);
  });

  it.each(['programs', 'maps', 'links', 'kprobes', 'functions'] as const)(
    'leaves no %s behind',
    (what) => {
      expect(told.end[what]).toBe(told.before[what]);
    },
  );

  it('takes no more memory after the first rounds than those took', () => {
    const { before, after, end } = told;
    // what the first part took for good, and a ring's worth where it took nothing
    const bound = Math.max(before.available - after.available, 0) + 8192;
    const own = Math.max(end.own - after.own, 0); // of this process, not the kernel's
    expect(after.available - end.available - own).toBeLessThan(bound);
    expect(end.slab - after.slab).toBeLessThan(Math.max(after.slab - before.slab, 0) + 8192);
  });
});
