/** The far end of a step's traffic: echoes what it gets, or only takes it in. */
import { readFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { TraceError } from '../model/error.ts';
import { type LabProcess, startProcess } from './process.ts';
import type { Listener, MessageKind } from './scenario.ts';
import type { Net } from './topology.ts';

const LISTEN_MS = 15_000;
const POLL_MS = 10;

/** socat speaks UDP-Lite where it is told the number of the protocol: its own names for it are younger. */
export const SOCAT_NAMES = { tcp: 'TCP', udp: 'UDP', udplite: 'UDP', sctp: 'SCTP' } as const;
export const OPTIONS = { tcp: '', udp: '', udplite: ',protocol=136', sctp: '' } as const;

/** Where /proc/net lists sockets, their state and port: TCP_LISTEN; an unconnected one; listening (10). */
const LISTED: Readonly<Record<MessageKind, readonly [string, (port: number) => RegExp]>> = {
  tcp: ['tcp', (port) => inHex(port, '0A')],
  udp: ['udp', (port) => inHex(port, '07')],
  udplite: ['udplite', (port) => inHex(port, '07')],
  sctp: ['sctp/eps', (port) => new RegExp(`^ *\\S+ +\\S+ +\\d+ +10 +\\d+ +${port} `, 'm')],
};

function inHex(port: number, state: string): RegExp {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return new RegExp(`^ *\\d+: +\\S+${local} +\\S+ +${state} `, 'm');
}

/** An address as socat wants it. */
export const socatHost = (address: string) => (isIPv6(address) ? `[${address}]` : address);
export const socatFamily = (address: string) => (isIPv6(address) ? '6' : '4');

function listenerArgv(protocol: MessageKind, listener: Listener, reply: boolean): string[] {
  const { address, port } = listener;
  const name = `${SOCAT_NAMES[protocol]}${socatFamily(address)}`;
  const where = `${port},bind=${socatHost(address)},reuseaddr${OPTIONS[protocol]}`;
  const isStream = protocol === 'tcp' || protocol === 'sctp';
  if (isStream) return ['socat', `${name}-LISTEN:${where},fork`, 'PIPE'];
  if (reply) return ['socat', `${name}-RECVFROM:${where},fork`, 'PIPE'];
  return ['socat', '-u', `${name}-RECV:${where}`, 'OPEN:/dev/null'];
}

/** Whether one of the sockets in the process's namespace has that port and state. */
async function isReady(pid: number, protocol: MessageKind, port: number): Promise<boolean> {
  const [list, listening] = LISTED[protocol];
  const paths = ['', '6'].map((family) => `/proc/${pid}/net/${list}${family}`);
  const texts = await Promise.all(paths.map((path) => readFile(path, 'utf8').catch(() => '')));
  return texts.some((text) => listening(port).test(text));
}

/** Starts a listener and waits until it listens. */
export async function startListener(
  net: Net,
  protocol: MessageKind,
  listener: Listener,
  reply: boolean,
): Promise<LabProcess> {
  const started = startProcess(net, listener.namespace, listenerArgv(protocol, listener, reply));
  const end = Date.now() + LISTEN_MS;
  while (Date.now() < end && started.child.exitCode === null && started.child.pid !== undefined) {
    if (await isReady(started.child.pid, protocol, listener.port)) return started;
    await sleep(POLL_MS);
  }
  await started.kill();
  const where = `${listener.namespace} ${listener.address}:${listener.port}`;
  throw new TraceError('failed', `${where} does not listen: ${started.complaint() || 'no reason'}`);
}
