/** The far end of a step's traffic: echoes what it gets, or only takes it in. */
import { readFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { TraceError } from '../model/error.ts';
import { type LabProcess, startProcess } from './process.ts';
import type { Listener } from './scenario.ts';
import type { Net } from './topology.ts';

const LISTEN_MS = 15_000;
const POLL_MS = 10;
/** States in /proc/net: TCP_LISTEN; for UDP the one of an unconnected socket. */
const READY = { tcp: '0A', udp: '07' } as const;

/** An address as socat wants it. */
export const socatHost = (address: string) => (isIPv6(address) ? `[${address}]` : address);
export const socatFamily = (address: string) => (isIPv6(address) ? '6' : '4');

function listenerArgv(protocol: 'tcp' | 'udp', listener: Listener, reply: boolean): string[] {
  const { address, port } = listener;
  const family = socatFamily(address);
  const where = `${port},bind=${socatHost(address)},reuseaddr`;
  if (protocol === 'tcp') return ['socat', `TCP${family}-LISTEN:${where},fork`, 'PIPE'];
  if (reply) return ['socat', `UDP${family}-RECVFROM:${where},fork`, 'PIPE'];
  return ['socat', '-u', `UDP${family}-RECV:${where}`, 'OPEN:/dev/null'];
}

/** Whether one of the sockets in the process's namespace has that port and state. */
async function isReady(pid: number, protocol: 'tcp' | 'udp', port: number): Promise<boolean> {
  const paths = ['', '6'].map((family) => `/proc/${pid}/net/${protocol}${family}`);
  const texts = await Promise.all(paths.map((path) => readFile(path, 'utf8').catch(() => '')));
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return texts
    .join('\n')
    .split('\n')
    .some((line) => {
      const [, local = '', , state] = line.trim().split(/\s+/);
      return local.endsWith(wanted) && state === READY[protocol];
    });
}

/** Starts a listener and waits until it listens. */
export async function startListener(
  net: Net,
  protocol: 'tcp' | 'udp',
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
