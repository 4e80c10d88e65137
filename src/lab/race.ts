/** The `race` step: both ends of many flows send at the same instant. */
import { TraceError } from '../model/error.ts';
import { RACE_SCRIPT } from './place.ts';
import { type LabProcess, startProcess } from './process.ts';
import { type Listener, STEP_MS, type StepOf } from './scenario.ts';
import type { StepResult } from './step-result.ts';
import { ended } from './tool.ts';
import type { Net } from './topology.ts';

const START_AFTER_NS = 500_000_000n;
const APART_NS = 4_000_000n;

function startEnd(net: Net, own: Listener, other: Listener, flows: number): LabProcess {
  const ends = [own.address, own.port, other.address, other.port, flows, APART_NS].map(String);
  return startProcess(net, own.namespace, [process.execPath, RACE_SCRIPT, ...ends]);
}

export async function race(net: Net, step: StepOf<'race'>): Promise<StepResult> {
  const { between, and, flows } = step;
  const ends = [startEnd(net, between, and, flows), startEnd(net, and, between, flows)];
  const killAll = () => Promise.all(ends.map((end) => end.kill()));
  const timer = setTimeout(() => void killAll(), 2 * STEP_MS);
  try {
    await Promise.all(ends.map((end) => end.receive('ready'.length)));
    const startNs = process.hrtime.bigint() + START_AFTER_NS;
    for (const end of ends) end.child.stdin.end(`${startNs}\n`);
    const codes = await Promise.all(ends.map((end) => ended(end.child)));
    if (codes.every((code) => code === 0)) return { kind: 'race', packetsSent: 2 * flows };
    const why = ends.map((end) => end.complaint()).find(Boolean) ?? 'an end was killed';
    throw new TraceError('failed', `race of ${flows} flows: ${why}`);
  } finally {
    clearTimeout(timer);
    await killAll();
  }
}
