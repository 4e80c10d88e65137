/** The steps named after a protocol: messages to an end that answers, or only takes them in. */
import { isIPv6 } from 'node:net';
import { TraceError } from '../model/error.ts';
import { OPTIONS, SOCAT_NAMES, socatFamily, socatHost, startListener } from './listen.ts';
import { type LabProcess, startProcess } from './process.ts';
import { type MessageKind, STEP_MS, type StepOf } from './scenario.ts';
import type { StepResult } from './step-result.ts';
import { ended } from './tool.ts';
import type { Net } from './topology.ts';

type MessageStep = StepOf<MessageKind>;

function clientArgv(step: MessageStep, flow: number): string[] {
  const { to, kind, reply, source, sourcePort } = step;
  const name = `${SOCAT_NAMES[kind]}${socatFamily(to.address)}${reply ? '' : '-SENDTO'}`;
  const port = sourcePort === undefined ? '' : `,sourceport=${sourcePort + flow},reuseaddr`;
  const own = source === undefined ? '' : `,bind=${socatHost(source)}`;
  const end = `${name}:${socatHost(to.address)}:${to.port}${OPTIONS[kind]}`;
  const where = `${end}${own}${port}${headerOptions(step)}`;
  // one read becomes one datagram: exactly a message at a time
  const options = [...(reply ? [] : ['-u']), '-t', '0.1', '-b', String(step.bytes)];
  return ['socat', ...options, '-', where];
}

/** What the header of each packet says, as socat asks for it. */
function headerOptions({ to, tos, ttl }: MessageStep): string {
  const [tosName, ttlName] = isIPv6(to.address)
    ? ['ipv6-tclass', 'ipv6-unicast-hops']
    : ['tos', 'ttl'];
  return [
    tos === undefined ? '' : `,${tosName}=${tos}`,
    ttl === undefined ? '' : `,${ttlName}=${ttl}`,
  ].join('');
}

/** Messages differ, so that a capture shows which is which. */
const message = (index: number, bytes: number) =>
  `message ${index + 1}`.padEnd(bytes - 1, '.').concat('\n');

async function converse(client: LabProcess, step: MessageStep): Promise<void> {
  for (let index = 0; index < step.send; index++) {
    client.child.stdin.write(message(index, step.bytes));
    if (step.reply) await client.receive((index + 1) * step.bytes);
  }
  client.child.stdin.end();
  await ended(client.child);
}

/** Sends the messages of one flow; returns how many were answered. */
async function sendFlow(net: Net, step: MessageStep, flow: number): Promise<number> {
  const client = startProcess(net, step.from, clientArgv(step, flow));
  const timer = setTimeout(() => void client.kill(), STEP_MS);
  try {
    await converse(client, step);
    const answered = Math.floor(client.received() / step.bytes);
    if (client.child.exitCode === 0 && answered >= (step.reply ? step.send : 0)) return answered;
    const why = client.complaint() || `${answered} of ${step.send} messages were answered`;
    const where = `${step.from} to ${step.to.address}:${step.to.port}`;
    throw new TraceError('failed', `${step.kind} ${where}: ${why}`);
  } finally {
    clearTimeout(timer);
    await client.kill();
  }
}

/** One flow after the other, all to the same listener. */
export async function sendMessages(net: Net, step: MessageStep): Promise<StepResult> {
  const listener = step.listen && (await startListener(net, step.kind, step.listen, step.reply));
  let answered = 0;
  try {
    for (let flow = 0; flow < step.flows; flow++) answered += await sendFlow(net, step, flow);
  } finally {
    await listener?.kill();
  }
  const { kind } = step;
  if (kind === 'tcp' || kind === 'sctp') return { kind, answered };
  return { kind, packetsSent: step.flows * step.send, answered };
}
