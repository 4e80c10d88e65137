/**
 * By which probe each fact of a trace is known, on each kernel with each
 * backend: the trace says so, and the kernel's own lists of probed functions
 * say the same.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Backend } from '../../src/model/facts.ts';
import { SOURCES_FOLDER } from '../run/kernels-document.ts';
import { runInGuest } from './in-guest.ts';
import { kernelsOf } from './matrix.ts';
import { readCaptureTrace, type Trace } from './trace.ts';

const MODULES = [
  ...['nf_conntrack', 'nf_nat', 'nf_tables', 'nft_chain_nat', 'nft_nat', 'nft_masq', 'nft_redir'],
  ...['nft_compat', 'xt_nat', 'xt_MASQUERADE', 'xt_REDIRECT', 'xt_NETMAP'],
  'nfnetlink_queue',
];
/** Newer kernels have no tables of legacy iptables. */
const LEGACY = ['iptable_nat', 'ip6table_nat'];
const modulesOf = (kernel: string) => (kernel === '7' ? MODULES : [...MODULES, ...LEGACY]);

/** The modules of 5.10 carry no BTF. */
const backendsOf = (kernel: string): readonly Backend[] =>
  kernel === '5.10' ? ['kprobe'] : ['fentry', 'kprobe'];

/** What is probed is read while it is. */
const scriptOf = (kernel: string) => `
modprobe -a ${modulesOf(kernel).join(' ')} || exit 9
conntrail doctor --json > $OUT/doctor.json || exit 8
for backend in ${backendsOf(kernel).join(' ')}; do
  conntrail record -q --backend $backend --out $OUT/$backend.capture --ready-file /tmp/$backend & trace=$!
  waited=0
  until [ -e /tmp/$backend ]; do
    waited=$((waited + 1)); [ $waited -lt 600 ] || exit 7; sleep 0.5
  done
  cat /sys/kernel/tracing/enabled_functions /sys/kernel/debug/kprobes/list > $OUT/$backend.probed
  kill -INT $trace; wait $trace || exit 6
done`;

/** What no probe of that kernel tells, else everything is known. */
const UNKNOWN: Readonly<Record<string, readonly string[]>> = { '7': ['table of a legacy rule'] };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conntrail-sources-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Seen {
  readonly trace: Trace;
  /** Kernel functions with a probe of whatever kind. */
  readonly probed: ReadonlySet<string>;
}

describe.each(kernelsOf('sources.test.ts'))('kernel %s', (kernel) => {
  const seen = new Map<Backend, Seen>();
  let doctor: Readonly<Record<string, string>>;

  beforeAll(async () => {
    const outDir = join(folder, kernel);
    await runInGuest(scriptOf(kernel), { kernel, outDir, timeoutSec: 900 });
    for (const backend of backendsOf(kernel)) {
      const trace = await readCaptureTrace(join(outDir, `${backend}.capture`));
      const text = await readFile(join(outDir, `${backend}.probed`), 'utf8');
      // `nf_confirm [nf_conntrack] (1) R`, or `ffffffffc04 k nf_confirm+0x0 [nf_conntrack]`
      const names = text.split('\n').map((line) => {
        const [first = '', , third = ''] = line.split(/\s+/);
        return /^[0-9a-f]{16}$/.test(first) ? third.replace(/\+.*/, '') : first;
      });
      seen.set(backend, { trace, probed: new Set(names) });
    }
    const { checks } = JSON.parse(await readFile(join(outDir, 'doctor.json'), 'utf8')) as {
      checks: readonly { readonly name: string; readonly found: string }[];
    };
    const known = checks.filter(({ name }) => name.startsWith('known: '));
    doctor = Object.fromEntries(known.map(({ name, found }) => [name.slice(7), found]));
    keepSources(kernel, seen);
  });

  it.each(backendsOf(kernel))('%s: the kernel says the same of what is probed', (backend) => {
    const { trace, probed } = seen.get(backend)!;
    const { attached, sources } = trace.facts;
    const named = Object.values(sources).flatMap((text) =>
      [...text.matchAll(/\b(fentry|fexit|kprobe|kretprobe) ([\w.]+)/g)].map(([, , name]) => name!),
    );
    expect(new Set(named).size).toBeGreaterThan(15);
    expect([...new Set(named)].filter((name) => !probed.has(name))).toEqual([]);
    const ours = attached.filter((text) => !text.startsWith('tracepoint '));
    expect(ours.filter((text) => !probed.has(text.split(' ')[1]!))).toEqual([]);
  });

  it.each(backendsOf(kernel))('%s: everything is known that this kernel has', (backend) => {
    const { facts } = seen.get(backend)!.trace;
    const unknown = Object.entries(facts.sources).filter(([, how]) => how.startsWith('not '));
    expect(unknown.map(([fact]) => fact)).toEqual(UNKNOWN[kernel] ?? []);
    expect(facts.backend).toBe(backend);
  });

  it('is what doctor says, of the backend that would be chosen', () => {
    const chosen = backendsOf(kernel)[0]!;
    expect(doctor).toEqual(seen.get(chosen)!.trace.facts.sources);
  });
});

/** For docs/kernels.md. */
function keepSources(kernel: string, seen: ReadonlyMap<Backend, Seen>): void {
  const [{ trace }] = [...seen.values()] as [Seen];
  const byBackend = [...seen].map(([backend, one]) => [backend, one.trace.facts.sources]);
  mkdirSync(SOURCES_FOLDER, { recursive: true });
  writeFileSync(
    join(SOURCES_FOLDER, `${kernel}.json`),
    `${JSON.stringify({ release: trace.facts.kernel, sources: Object.fromEntries(byBackend) })}\n`,
  );
}
