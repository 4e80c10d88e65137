/** Builds a scenario's namespaces, lends them out, and takes everything down again. */
import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { TraceError } from '../model/error.ts';
import type { Scenario } from './scenario.ts';
import { needTool, runTool, type ToolOptions, type ToolResult } from './tool.ts';
import { type LinkEnd, TOPOLOGIES, type TopologyPlan } from './topology-plan.ts';

const NAMESPACES = '/run/netns';
const MODULES = ['veth', 'nf_conntrack', 'nf_nat', 'nf_tables', 'nf_conntrack_netlink'];

export interface LabNamespace {
  /** As `ip netns` knows it. */
  readonly name: string;
  readonly inode: number;
}

/** A running topology. Namespaces are named as in the scenario: client, router, server, host. */
export interface Net {
  readonly namespaces: Readonly<Record<string, LabNamespace>>;
  /** Ends whatever runs in the namespaces. */
  readonly signal: AbortSignal | undefined;
  /** The command line that runs the given one in a namespace. */
  within(namespace: string, argv: readonly string[]): string[];
  /** Runs to the end; a status other than 0 is a result. */
  exec(namespace: string, argv: readonly string[], options?: ToolOptions): Promise<ToolResult>;
  /** Runs what must succeed; returns what it printed. */
  need(namespace: string, argv: readonly string[], options?: ToolOptions): Promise<string>;
}

function openNet(namespaces: Net['namespaces'], signal: AbortSignal | undefined): Net {
  const within: Net['within'] = (namespace, argv) => {
    const there = namespaces[namespace];
    if (there) return ['nsenter', `--net=${join(NAMESPACES, there.name)}`, '--', ...argv];
    throw new TraceError('usage', `no namespace "${namespace}" in this topology`);
  };
  return {
    namespaces,
    signal,
    within,
    exec: (name, argv, options) => runTool(within(name, argv), { signal, ...options }),
    need: (name, argv, options) => needTool(within(name, argv), { signal, ...options }),
  };
}

/** Sets sysctls in a namespace, given as `net.ipv4.ip_forward` and value. */
async function writeSysctls(net: Net, namespace: string, values: Record<string, string>) {
  const lines = Object.entries(values).map(
    ([name, value]) => `echo ${value} > /proc/sys/${name.replaceAll('.', '/')}`,
  );
  if (lines.length > 0) await net.need(namespace, ['sh', '-ec', lines.join('\n')]);
}

/** No router solicitation, no duplicate detection: addresses are usable at once. */
function quietSysctls(plan: TopologyPlan, namespace: string): Record<string, string> {
  const routes = plan.routers.includes(namespace) ? '1' : '0';
  return {
    'net.ipv4.ip_forward': routes,
    'net.ipv6.conf.all.forwarding': routes,
    'net.ipv6.conf.default.accept_dad': '0',
    'net.ipv6.conf.default.router_solicitations': '0',
    'net.netfilter.nf_conntrack_acct': '0',
  };
}

/** Both ends know each other's address: no ARP or neighbour discovery among the packets. */
function endCommands(end: LinkEnd, peer: LinkEnd): string[] {
  const { device, mac, ipv4, ipv6 } = end;
  const commands = [
    `link set ${device} address ${mac}`,
    `addr add ${ipv4}/24 dev ${device}`,
    `addr add ${ipv6}/64 dev ${device} nodad`,
    `link set ${device} up`,
    `neigh replace ${peer.ipv4} lladdr ${peer.mac} dev ${device} nud permanent`,
    `neigh replace ${peer.ipv6} lladdr ${peer.mac} dev ${device} nud permanent`,
  ];
  const routes = [`route add default via ${peer.ipv4}`, `-6 route add default via ${peer.ipv6}`];
  return end.gateway ? [...commands, ...routes] : commands;
}

/** `ip -batch` takes no options on its lines: the IPv6 ones are a batch of their own. */
async function runBatch(net: Net, namespace: string, commands: readonly string[]) {
  const six = commands.filter((line) => line.startsWith('-6 ')).map((line) => line.slice(3));
  const others = commands.filter((line) => !line.startsWith('-6 '));
  await net.need(namespace, ['ip', '-batch', '-'], { input: `${others.join('\n')}\n` });
  if (six.length > 0) {
    await net.need(namespace, ['ip', '-6', '-batch', '-'], { input: `${six.join('\n')}\n` });
  }
}

async function addLinks(net: Net, plan: TopologyPlan): Promise<void> {
  for (const [a, b] of plan.links) {
    const names = [a, b].map((end) => net.namespaces[end.namespace]?.name ?? '');
    const first = ['ip', 'link', 'add', a.device, 'netns', names[0] ?? '', 'type', 'veth'];
    await needTool([...first, 'peer', 'name', b.device, 'netns', names[1] ?? '']);
  }
  for (const namespace of plan.namespaces) {
    const ends = plan.links.flatMap(([a, b]) => [[a, b] as const, [b, a] as const]);
    const own = ends.filter(([end]) => end.namespace === namespace);
    const commands = own.flatMap(([end, peer]) => endCommands(end, peer));
    await runBatch(net, namespace, ['link set lo up', ...commands]);
  }
}

async function addNamespaces(
  plan: TopologyPlan,
  prefix: string,
  signal: AbortSignal | undefined,
): Promise<Net> {
  const entries = [];
  for (const namespace of plan.namespaces) {
    const name = `${prefix}${namespace}`;
    await needTool(['ip', 'netns', 'add', name]);
    entries.push([namespace, { name, inode: (await stat(join(NAMESPACES, name))).ino }] as const);
  }
  return openNet(Object.fromEntries(entries), signal);
}

async function removeNamespace(name: string): Promise<void> {
  const { stdout } = await runTool(['ip', 'netns', 'pids', name]);
  for (const pid of stdout.split('\n').filter(Boolean)) {
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // ended by itself meanwhile
    }
  }
  await runTool(['ip', 'netns', 'delete', name]);
}

/** Our namespaces, and those of runs that were killed before they could tidy up. */
async function removeNamespaces(ours: readonly string[]): Promise<void> {
  for (const name of await readdir(NAMESPACES).catch(() => [])) {
    const [, pid] = /^ct-(\d+)-/.exec(name) ?? [];
    const orphan = pid !== undefined && !existsSync(`/proc/${pid}`);
    if (ours.includes(name) || orphan) await removeNamespace(name);
  }
}

/** Topologies that were lent so far: each of a process has names of its own. */
let lent = 0;

function newPrefix(): string {
  lent++;
  return lent === 1 ? `ct-${process.pid}-` : `ct-${process.pid}-${lent}-`;
}

/** Lends a running topology to `work`; rules are not yet in force. */
export async function withTopology<T>(
  scenario: Scenario,
  work: (net: Net) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const plan = TOPOLOGIES[scenario.topology];
  const prefix = newPrefix();
  const names = plan.namespaces.map((namespace) => `${prefix}${namespace}`);
  await runTool(['modprobe', '-a', ...MODULES]); // what is built in or missing shows itself later
  await removeNamespaces(names);
  try {
    const net = await addNamespaces(plan, prefix, signal);
    for (const name of plan.namespaces) await writeSysctls(net, name, quietSysctls(plan, name));
    await addLinks(net, plan);
    for (const [name, values] of Object.entries(scenario.sysctl)) {
      await writeSysctls(net, name, values);
    }
    return await work(net);
  } finally {
    await removeNamespaces(names);
  }
}
