/** The `race` step: both ends of many flows send at the same instant. */
import { TraceError } from '../model/error.ts';
import { RACE_SCRIPT } from './place.ts';
import { type Listener, STEP_MS, type StepOf } from './scenario.ts';
import type { Net } from './topology.ts';
import type { StepResult } from './traffic.ts';

const START_AFTER_NS = 6_000_000_000n;
const APART_NS = 4_000_000n;
/** Status of an end that was not ready in time. */
const TOO_LATE = 3;

export async function race(net: Net, step: StepOf<'race'>): Promise<StepResult> {
  const startNs = process.hrtime.bigint() + START_AFTER_NS;
  const send = (own: Listener, other: Listener) => {
    const ends = [own.address, own.port, other.address, other.port].map(String);
    const rest = [step.flows, startNs, APART_NS].map(String);
    const argv = [process.execPath, RACE_SCRIPT, ...ends, ...rest];
    return net.exec(own.namespace, argv, { timeoutMs: STEP_MS });
  };
  const results = await Promise.all([send(step.between, step.and), send(step.and, step.between)]);
  const failed = results.find((result) => result.code !== 0);
  if (!failed) return { kind: 'race', packetsSent: 2 * step.flows };
  const why = failed.code === TOO_LATE ? 'an end was not ready in time' : failed.stderr.trim();
  throw new TraceError('failed', `race of ${step.flows} flows: ${why}`);
}
