/**
 * The other kernels: the same program on each, against what that kernel counted
 * itself. The whole set of scenarios runs on the default kernel only.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runGuest } from '../../src/lab/guest.ts';
import { DEFAULT_KERNEL, LAB_KERNELS } from '../../src/lab/kernels.ts';
import type { KernelTruth } from '../../src/lab/truth.ts';
import { HOOKS } from '../../src/model/codes.ts';
import { totalLost } from '../../src/model/ledger.ts';
import { entryText, flowText, listedFlows } from './entries.ts';
import {
  countAtHook,
  inNamespace,
  nonZero,
  readCaptureTrace,
  readTruth,
  type Trace,
} from './trace.ts';

const SCENARIOS = ['redirect', 'forward-drop'] as const;
const OTHERS = LAB_KERNELS.map(({ name }) => name).filter((name) => name !== DEFAULT_KERNEL);

/** Not a flow's: translated to code of its own, loops, far loads and all. */
const EXPRESSION =
  'ip6 protochain 6 or tcp[13] & 2 != 0 or udp[100:4] / ip[1] = 3 and not host 10.0.0.1';

/** Where the traffic itself failed, all is played once more. */
const SCRIPT = `
play() {
  conntrail lab --here --scenario ${SCENARIOS.join(',')} --truth --out $OUT -- \\
    --out $OUT/trace.capture -q
}
play || { rm -rf $OUT/*; play; } || exit 1
conntrail record --duration 1s -q --filter '${EXPRESSION}' --out $OUT/expression.capture`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conntrail-kernels-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.each(OTHERS)('kernel %s', (kernel) => {
  const played = new Map<string, { trace: Trace; truth: KernelTruth }>();

  beforeAll(async () => {
    const outDir = join(folder, kernel);
    let said = '';
    const result = await runGuest({
      kernel,
      command: ['sh', '-c', SCRIPT],
      outDir,
      timeoutSec: 600,
      onStderr: (chunk) => {
        said += chunk.toString();
      },
    });
    expect(result.status, said).toBe(0);
    expect(result.kernelWarnings).toEqual([]);
    const trace = await readCaptureTrace(join(outDir, 'trace.capture'));
    for (const name of SCENARIOS) {
      played.set(name, { trace, truth: await readTruth(join(outDir, name)) });
    }
  });

  it.each(SCENARIOS)('%s: loses nothing, and has the packets that nft counted', (name) => {
    const { trace, truth } = played.get(name)!;
    const router = truth.namespaces.router!;
    expect(totalLost(trace.end.ledger)).toBe(0);
    for (const hook of HOOKS) {
      const early = nonZero(router.hooks![hook].early);
      expect({ hook, ...countAtHook(trace.packets, router, hook) }).toEqual({ hook, ...early });
    }
  });

  it.each(SCENARIOS)('%s: has the flows of conntrack -L', (name) => {
    const { trace, truth } = played.get(name)!;
    const router = truth.namespaces.router!;
    const listed = listedFlows(inNamespace(trace.flows, router), router.conntrack);
    expect(listed.map(flowText).sort()).toEqual(router.conntrack.map(entryText).sort());
  });

  it('takes a translated expression', async () => {
    const { facts } = await readCaptureTrace(join(folder, kernel, 'expression.capture'));
    expect(facts.filter).toBe(EXPRESSION);
  });

  it('runs the redirecting chain once per flow, and none for the replies', () => {
    const { trace, truth } = played.get('redirect')!;
    const router = truth.namespaces.router!;
    const packets = inNamespace(trace.packets, router);
    const asked = packets.filter((row) => row.prerouting_chains === true);
    expect(asked).toHaveLength(router.counters['redirect-tcp']! + router.counters['redirect-udp']!);
    expect(packets.filter((row) => row.output_chains || row.postrouting_chains)).toEqual([]);
  });

  it('shows where packets were dropped', () => {
    const { trace, truth } = played.get('forward-drop')!;
    const router = truth.namespaces.router!;
    const dropped = inNamespace(trace.packets, router).filter((row) => row.verdict === 'drop');
    const { 'drop-udp': udp, 'drop-tcp': tcp, 'drop-echo': echo } = router.counters;
    expect(dropped).toHaveLength(udp! + tcp! + echo!);
    expect(new Set(dropped.map((row) => row.last_hook))).toEqual(new Set(['forward']));
    expect(dropped.filter((row) => row.drop_location === null)).toEqual([]);
  });
});
