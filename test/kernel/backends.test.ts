/**
 * One scenario, several tracers beside each other: fentry and kprobe give the
 * same tables, and so does each detail apart from what it leaves out.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NamespaceTruth } from '../../src/lab/truth.ts';
import { HOOKS } from '../../src/model/codes.ts';
import { totalLost } from '../../src/model/ledger.ts';
import { runInGuest } from './in-guest.ts';
import {
  inNamespace,
  type Row,
  readCaptureTrace,
  readTruth,
  type Trace,
  trafficOf,
} from './trace.ts';

/** The one beside the scenario; the others run around it. */
const FIRST = 'fentry-packets' as const;
const OTHERS = ['kprobe-packets', 'fentry-visits', 'kprobe-flows'] as const;
type Name = typeof FIRST | (typeof OTHERS)[number];

function options(name: string): string {
  const [backend, detail] = name.split('-');
  return `-q --backend ${backend} --detail ${detail} --out $OUT/${name}.capture`;
}

const SCRIPT = `
modules='nf_nat nft_chain_nat nft_nat nft_masq'
modprobe -a nf_conntrack $modules; tracers=
for module in $modules; do [ -d /sys/module/$module ] || exit 9; done
${OTHERS.map((name) => `conntrail record ${options(name)} --ready-file /tmp/${name} & tracers="$tracers $!"`).join('\n')}
for name in ${OTHERS.join(' ')}; do
  waited=0
  while [ ! -e /tmp/$name ]; do waited=$((waited + 1)); [ $waited -lt 3000 ] || exit 8; sleep 0.1; done
done
conntrail lab --here --scenario dnat-masquerade --truth --out $OUT -- ${options(FIRST)} || exit 7
kill -INT $tracers
for tracer in $tracers; do wait $tracer || exit 6; done`;

let folder: string;
const traces = new Map<string, Trace>();
let here: NamespaceTruth;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conntrail-backends-'));
  await runInGuest(SCRIPT, { outDir: folder, timeoutSec: 1000 });
  for (const name of [FIRST, ...OTHERS]) {
    traces.set(name, await readCaptureTrace(join(folder, `${name}.capture`)));
  }
  here = (await readTruth(folder)).namespaces.router!;
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const trace = (name: Name): Trace => traces.get(name)!;

/** What every tracer sees for itself: its own numbers and clocks. */
const OWN = /^(packet|flow|first_ktime_ns|started_ktime_ns|.*_at|.*_ns|.*ktime.*)$/;

function told(rows: readonly Row[], but: RegExp = /^$/): string[] {
  const names = (row: Row): string[] =>
    Object.keys(row).filter((n) => !OWN.test(n) && !but.test(n));
  const text = (row: Row): string =>
    names(row)
      .map((name) => `${name}=${String(row[name])}`)
      .join(' ');
  return rows.map(text).sort();
}

/** Without neighbour and listener messages, which come when they like. */
const packets = (name: Name): Row[] =>
  inNamespace(trace(name).packets, here).filter((row) => trafficOf(row) !== undefined);
const flows = (name: Name): Row[] => inNamespace(trace(name).flows, here);

describe('tracers beside each other', () => {
  it.each([FIRST, ...OTHERS])('%s attaches as it was told, and loses nothing', (name) => {
    const { facts, end } = trace(name);
    expect(`${facts.backend}-${facts.detail}`).toBe(name);
    expect(facts.attached.filter((probe) => probe.startsWith(facts.backend))).not.toEqual([]);
    expect(totalLost(end.ledger)).toBe(0);
  });

  it.each(OTHERS.filter((name) => !name.endsWith('flows')))(
    '%s has the packets of fentry',
    (name) => {
      expect(packets(FIRST).length).toBeGreaterThan(50);
      expect(told(packets(name))).toEqual(told(packets(FIRST)));
    },
  );

  it.each(OTHERS)('%s has the flows of fentry', (name) => {
    // the others see the namespace go; flows alone see no packets
    const but = name.endsWith('flows') ? /^end$|packets|bytes|status/ : /^end$/;
    expect(flows(FIRST).length).toBeGreaterThan(20);
    expect(told(flows(name), but)).toEqual(told(flows(FIRST), but));
  });

  it('has no packets where flows alone are traced', () => {
    expect(trace('kprobe-flows').packets).toEqual([]);
  });

  it('knows how long each visit took where visits are traced, else of the last one alone', () => {
    const known = (name: Name): string[] =>
      packets(name)
        .filter((row) => row.last_hook === 'postrouting' && row.verdict === 'accept')
        .map((row) => HOOKS.filter((hook) => row[`${hook}_ns`] !== null).join(' '));
    expect(new Set(known('kprobe-packets'))).toEqual(new Set(['postrouting']));
    expect([...new Set(known('fentry-visits'))]).toContain('prerouting forward postrouting');
  });
});
