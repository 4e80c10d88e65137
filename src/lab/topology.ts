/** Builds a scenario's namespaces, lends them out, and takes everything down again. */
import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { TraceError } from '../model/error.ts';
import type { Scenario } from './scenario.ts';
import { needTool, runTool, type ToolOptions, type ToolResult } from './tool.ts';
import { addNetwork } from './topology-build.ts';
import { TOPOLOGIES, type TopologyPlan } from './topology-plan.ts';
import { quietSysctls, writeSysctls } from './topology-sysctl.ts';

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
    await addNetwork(net, plan);
    for (const [name, values] of Object.entries(scenario.sysctl)) {
      await writeSysctls(net, name, values);
    }
    return await work(net);
  } finally {
    await removeNamespaces(names);
  }
}
