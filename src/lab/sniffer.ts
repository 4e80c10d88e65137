/** tcpdump in one namespace, from before the first packet until it is asked. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TraceError } from '../model/error.ts';
import { startProcess } from './process.ts';
import { ended, needTool } from './tool.ts';
import type { Net } from './topology.ts';

const START_MS = 15_000;
const POLL_MS = 20;
/** Neighbour discovery and listener reports come when they like. */
const WANTED = 'ip or (ip6 and not (icmp6 and ip6[40] >= 130) and not ip6[6] == 0)';

export interface Sniffer {
  /** One line per packet in the order of arrival: `IP 10.0.1.2.5001 > 203.0.113.2.53: UDP, length 3`. */
  end(): Promise<string[]>;
  kill(): Promise<void>;
}

/** On the namespace's own link, eth0; resolves when it captures. */
export async function startSniffer(net: Net, namespace: string): Promise<Sniffer> {
  const folder = await mkdtemp(join(tmpdir(), 'conntrail-sniffer-'));
  const file = join(folder, 'packets');
  const options = ['-i', 'eth0', '-U', '--immediate-mode', '-Z', 'root', '-w', file];
  const sniffer = startProcess(net, namespace, ['tcpdump', ...options, WANTED]);
  const remove = async (): Promise<void> => {
    await sniffer.kill();
    await rm(folder, { recursive: true, force: true });
  };
  const end = Date.now() + START_MS;
  while (!sniffer.complaint().includes('listening on')) {
    if (Date.now() > end || sniffer.child.exitCode !== null || sniffer.child.pid === undefined) {
      await remove();
      throw new TraceError('failed', `tcpdump in ${namespace}: ${sniffer.complaint()}`);
    }
    await sleep(POLL_MS);
  }
  return {
    kill: remove,
    async end() {
      const exit = ended(sniffer.child);
      sniffer.child.kill('SIGINT');
      await exit;
      const text = await needTool(['tcpdump', '-n', '-q', '-t', '-r', file]);
      await rm(folder, { recursive: true, force: true });
      if (!/\b0 packets dropped by kernel/.test(sniffer.complaint())) {
        throw new TraceError(
          'failed',
          `tcpdump in ${namespace} lost packets: ${sniffer.complaint()}`,
        );
      }
      return text.split('\n').filter((line) => line !== '');
    },
  };
}
