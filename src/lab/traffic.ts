/**
 * Runs a scenario's steps in order. Every step is bounded in time, leaves no
 * process behind, and tells how many packets it sent where that is exact.
 */
import { isIPv6 } from 'node:net';
import { TraceError } from '../model/error.ts';
import { socatFamily, socatHost } from './listen.ts';
import { sendMessages } from './messages.ts';
import { MAIN_SCRIPT, QUEUE_PROGRAM } from './place.ts';
import { quoteCommand } from './quote.ts';
import { race } from './race.ts';
import { STEP_MS, type Step, type StepOf } from './scenario.ts';
import type { StepResult } from './step-result.ts';
import { encodeSegment } from './tcp-segment.ts';
import type { Net } from './topology.ts';

export interface TrafficResult {
  readonly steps: readonly StepResult[];
}

const FLOOD_MS = 180_000;

async function ping(net: Net, step: StepOf<'ping'>): Promise<StepResult> {
  const { count, flows, unanswered } = step;
  for (let flow = 0; flow < flows; flow++) await pingOnce(net, step);
  return { kind: 'ping', packetsSent: flows * count, answered: unanswered ? 0 : flows * count };
}

async function pingOnce(net: Net, step: StepOf<'ping'>): Promise<void> {
  const { from, to, count, unanswered } = step;
  const argv = ['ping', '-n', '-q', '-i', '0.1', '-W', unanswered ? '0.3' : '5'];
  const { stdout, stderr } = await net.exec(from, [...argv, '-c', String(count), to], {
    timeoutMs: STEP_MS,
  });
  const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(stdout) ?? [];
  const wanted = unanswered ? 0 : count;
  if (Number(sent) !== count || Number(received) !== wanted) {
    const why = stderr.trim() || `${received} of ${sent} were answered, expected ${wanted}`;
    throw new TraceError('failed', `ping ${from} to ${to}: ${why}`);
  }
}

async function flood(net: Net, step: StepOf<'flood'>): Promise<StepResult> {
  const { from, to, count, bytes, sourcePort } = step;
  const port = sourcePort === undefined ? '' : `,sourceport=${sourcePort}`;
  const sink = `UDP${socatFamily(to.address)}-SENDTO:${socatHost(to.address)}:${to.port}${port}`;
  const source = `OPEN:/dev/zero,readbytes=${count * bytes}`;
  await net.need(from, ['socat', '-u', '-b', String(bytes), source, sink], {
    timeoutMs: FLOOD_MS,
  });
  return { kind: 'flood', packetsSent: count };
}

/** The address that the kernel puts on packets to `address`. */
async function sourceAddress(net: Net, namespace: string, address: string): Promise<string> {
  const text = await net.need(namespace, ['ip', '-j', 'route', 'get', address]);
  const [route] = JSON.parse(text) as { prefsrc?: string }[];
  if (route?.prefsrc !== undefined) return route.prefsrc;
  throw new TraceError('failed', `no source address for ${address} in ${namespace}`);
}

async function rawTcp(net: Net, step: StepOf<'raw_tcp'>): Promise<StepResult> {
  const { from, to, sourcePort, flags, sequence, count } = step;
  const source = await sourceAddress(net, from, to.address);
  const family = isIPv6(to.address) ? '6' : '4';
  const sink = `IP${family}-SENDTO:${socatHost(to.address)}:6`;
  for (let index = 0; index < count; index++) {
    const input = encodeSegment({
      source,
      sourcePort,
      target: to.address,
      targetPort: to.port,
      flags,
      sequence: sequence + index,
    });
    await net.need(from, ['socat', '-u', '-', sink], { input, timeoutMs: STEP_MS });
  }
  return { kind: 'raw_tcp', packetsSent: count };
}

/** This very program, wherever the shell would find another or none. */
const CONNTRAIL = `conntrail() { ${quoteCommand([process.execPath, MAIN_SCRIPT])} "$@"; }`;

async function run(net: Net, step: StepOf<'run'>): Promise<StepResult> {
  const script = `${CONNTRAIL}\n${step.command}`;
  const argv = ['env', `LAB_QUEUE=${QUEUE_PROGRAM}`, 'sh', '-ec', script];
  await net.need(step.in, argv, { timeoutMs: STEP_MS });
  return { kind: 'run' };
}

async function together(net: Net, step: StepOf<'together'>): Promise<StepResult> {
  const settled = await Promise.allSettled(step.steps.map((one) => runStep(net, one)));
  for (const one of settled) if (one.status === 'rejected') throw one.reason;
  const steps = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  return { kind: 'together', steps };
}

function runStep(net: Net, step: Step): Promise<StepResult> {
  switch (step.kind) {
    case 'tcp':
    case 'udp':
    case 'udplite':
    case 'sctp':
      return sendMessages(net, step);
    case 'ping':
      return ping(net, step);
    case 'flood':
      return flood(net, step);
    case 'raw_tcp':
      return rawTcp(net, step);
    case 'race':
      return race(net, step);
    case 'run':
      return run(net, step);
    case 'together':
      return together(net, step);
  }
}

/** One after the other; the first failure ends it. */
export async function runTraffic(net: Net, steps: readonly Step[]): Promise<TrafficResult> {
  const results: StepResult[] = [];
  for (const step of steps) {
    net.signal?.throwIfAborted();
    results.push(await runStep(net, step));
  }
  return { steps: results };
}
