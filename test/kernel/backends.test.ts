/**
 * One scenario, several tracers beside each other: fentry and kprobe give the
 * same tables, and so does each detail apart from what it leaves out. The
 * kernels are those of matrix.ts.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NamespaceTruth } from '../../src/lab/truth.ts';
import { HOOKS, Status } from '../../src/model/codes.ts';
import { totalLost } from '../../src/model/ledger.ts';
import { runInGuest } from './in-guest.ts';
import { kernelsOf } from './matrix.ts';
import {
  inNamespace,
  type Row,
  readCaptureTrace,
  readTruth,
  type Trace,
  trafficOf,
} from './trace.ts';

type Name =
  | 'fentry-packets'
  | 'fentry-visits'
  | 'kprobe-packets'
  | 'kprobe-visits'
  | 'kprobe-flows';

/** The first is beside the scenario; the others run around it. 5.10 knows no fentry of modules. */
function tracersOf(kernel: string): readonly [Name, ...Name[]] {
  return kernel === '5.10'
    ? ['kprobe-packets', 'kprobe-visits', 'kprobe-flows']
    : ['fentry-packets', 'kprobe-packets', 'fentry-visits', 'kprobe-flows'];
}

function options(name: Name): string {
  const [backend, detail] = name.split('-');
  return `-q --backend ${backend} --detail ${detail} --out $OUT/${name}.capture`;
}

/**
 * Namespaces are taken apart in turn, several at once: with the second of these
 * those of the scenario are gone, and each of their entries has ended.
 */
const AWAIT_ENDS = `
for name in one two; do
  ip netns add $name && ip link add last type veth peer name inner netns $name || exit 5
  ip netns del $name; waited=0
  while [ -e /sys/class/net/last ]; do waited=$((waited + 1)); [ $waited -lt 3000 ] || exit 4; sleep 0.1; done
done`;

/** What fentry says where it cannot be. */
const ASK_FENTRY = `
conntrail record -q --backend fentry --duration 1s --out $OUT/refused.capture 2> $OUT/refused.said
echo $? > $OUT/refused.status`;

function scriptOf(kernel: string): string {
  const [first, ...others] = tracersOf(kernel);
  const started = others.map(
    (name) => `conntrail record ${options(name)} --ready-file /tmp/${name} & tracers="$tracers $!"`,
  );
  return `
modules='nf_nat nft_chain_nat nft_nat nft_masq'
modprobe -a nf_conntrack $modules; tracers=
for module in $modules; do [ -d /sys/module/$module ] || exit 9; done
${kernel === '5.10' ? ASK_FENTRY : ''}
${started.join('\n')}
for name in ${others.join(' ')}; do
  waited=0
  while [ ! -e /tmp/$name ]; do waited=$((waited + 1)); [ $waited -lt 3000 ] || exit 8; sleep 0.1; done
done
conntrail lab --here --scenario dnat-masquerade --truth --out $OUT -- ${options(first)} || exit 7
${AWAIT_ENDS}
kill -INT $tracers
for tracer in $tracers; do wait $tracer || exit 6; done`;
}

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

describe.each(kernelsOf('backends.test.ts'))('kernel %s', (kernel) => {
  const [first, ...others] = tracersOf(kernel);
  const visits = kernel === '5.10' ? 'kprobe-visits' : 'fentry-visits';
  const traces = new Map<string, Trace>();
  let folder: string;
  let here: NamespaceTruth;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'conntrail-backends-'));
    await runInGuest(scriptOf(kernel), { kernel, outDir: folder, timeoutSec: 1000 });
    for (const name of [first, ...others]) {
      traces.set(name, await readCaptureTrace(join(folder, `${name}.capture`)));
    }
    here = (await readTruth(folder)).namespaces.router!;
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const trace = (name: Name): Trace => traces.get(name)!;

  /** 5.10 tells of an end when the entry is dying already, see nf_ct_delete.part.0. */
  const ends = kernel === '5.10' ? Status.dying : 0;
  const asInTable = (row: Row): Row => ({ ...row, status: Number(row.status) & ~ends });

  /** Without neighbour and listener messages, which come when they like. */
  const packets = (name: Name): Row[] =>
    inNamespace(trace(name).packets, here).filter((row) => trafficOf(row) !== undefined);
  const flows = (name: Name): Row[] => inNamespace(trace(name).flows, here);

  it.each([first, ...others])('%s attaches as it was told, and loses nothing', (name) => {
    const { facts, end } = trace(name);
    expect(`${facts.backend}-${facts.detail}`).toBe(name);
    expect(facts.attached.filter((probe) => probe.startsWith(facts.backend))).not.toEqual([]);
    expect(totalLost(end.ledger)).toBe(0);
  });

  it.each(others.filter((name) => !name.endsWith('flows')))(
    `%s has the packets of ${first}`,
    (name) => {
      expect(packets(first).length).toBeGreaterThan(50);
      expect(told(packets(name))).toEqual(told(packets(first)));
    },
  );

  it.each(others)(`%s has the flows of ${first}`, (name) => {
    // the others see the namespace go; flows alone see no packets
    const but = name.endsWith('flows') ? /^end$|packets|bytes|status/ : /^end$/;
    expect(flows(first).length).toBeGreaterThan(20);
    expect(told(flows(name).map(asInTable), but)).toEqual(told(flows(first).map(asInTable), but));
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
    expect([...new Set(known(visits))]).toContain('prerouting forward postrouting');
  });

  if (kernel === '5.10') {
    it('fentry is not available: modules carry no BTF, and it is refused in one line', async () => {
      const text = (name: string) => readFile(join(folder, `refused.${name}`), 'utf8');
      expect((await text('said')).split('\n')).toEqual([
        "conntrail: no /sys/kernel/btf/nf_conntrack, which fentry needs: this kernel's modules carry no BTF",
        '  try: --backend kprobe',
        '',
      ]);
      expect(await text('status')).toBe('1\n');
    });
  }
});
