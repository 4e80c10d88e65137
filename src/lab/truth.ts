/**
 * The kernel's own account of a scenario, against which a trace is checked:
 * packets per hook and per entry as nft counted them, the rules with their
 * counters, the conntrack tables, and the packets at both ends as tcpdump saw them.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { TraceError } from '../model/error.ts';
import { type FlowCount, flowCountsBetween, readFlowCounts } from './flow-counts.ts';
import { type HookCounts, readHookCounts } from './hook-counts.ts';
import { listRules, type RuleTruth } from './rule-list.ts';
import type { Scenario } from './scenario.ts';
import { type Sniffer, startSniffer } from './sniffer.ts';
import type { Net } from './topology.ts';

export interface NamespaceTruth {
  readonly name: string;
  readonly inode: number;
  /** Interface numbers by name. */
  readonly interfaces: Readonly<Record<string, number>>;
  /** Packets per hook during the trace; null where the scenario does not count. */
  readonly hooks: HookCounts | null;
  /** Counters of all rules with a comment, by the comment, since the rules were made. */
  readonly counters: Readonly<Record<string, number>>;
  /** The rules when the trace began and when it ended, with their counters at that time. */
  readonly rules: { readonly start: readonly RuleTruth[]; readonly end: readonly RuleTruth[] };
  /** Packets per entry during the trace; null where the scenario does not count them. */
  readonly flows: readonly FlowCount[] | null;
  /** `conntrack -L -o extended,id`, both families. */
  readonly conntrack: readonly string[];
  /** `conntrack -S` at the end, and when the trace began. */
  readonly statistics: string;
  readonly statisticsBefore: string;
  /** What tcpdump saw; null where it did not run. */
  readonly packets: readonly string[] | null;
}

export interface KernelTruth {
  readonly scenario: string;
  readonly namespaces: Readonly<Record<string, NamespaceTruth>>;
}

/** Counters are read until they stand still, so often at most. */
const MOST_READS = 100;
const BETWEEN_READS_MS = 100;

/** What is read both at the beginning and at the end, by namespace. */
interface Reading {
  readonly hooks: ReadonlyMap<string, HookCounts>;
  readonly flows: ReadonlyMap<string, readonly FlowCount[]>;
}

/** Begins before the trace does, ends while it still runs. */
export class TruthKeeper {
  private readonly net: Net;
  private readonly scenario: Scenario;
  private readonly before: Reading;
  private readonly rules: ReadonlyMap<string, readonly RuleTruth[]>;
  private readonly statistics: ReadonlyMap<string, string>;
  private readonly sniffers: ReadonlyMap<string, Sniffer>;

  private constructor(
    net: Net,
    scenario: Scenario,
    before: Reading,
    rules: ReadonlyMap<string, readonly RuleTruth[]>,
    statistics: ReadonlyMap<string, string>,
    sniffers: ReadonlyMap<string, Sniffer>,
  ) {
    this.net = net;
    this.scenario = scenario;
    this.before = before;
    this.rules = rules;
    this.statistics = statistics;
    this.sniffers = sniffers;
  }

  static async begin(net: Net, scenario: Scenario): Promise<TruthKeeper> {
    const sniffers = new Map<string, Sniffer>();
    for (const namespace of scenario.sniff) {
      sniffers.set(namespace, await startSniffer(net, namespace));
    }
    const rules = new Map<string, RuleTruth[]>();
    const statistics = new Map<string, string>();
    for (const namespace of Object.keys(net.namespaces)) {
      rules.set(namespace, await listRules(net, namespace, scenario.rules[namespace]));
      statistics.set(namespace, await readStatistics(net, namespace));
    }
    const before = await readAll(net, scenario);
    return new TruthKeeper(net, scenario, before, rules, statistics, sniffers);
  }

  async end(): Promise<KernelTruth> {
    const after = await this.standStill();
    const namespaces: Record<string, NamespaceTruth> = {};
    for (const namespace of Object.keys(this.net.namespaces)) {
      namespaces[namespace] = await this.namespaceTruth(namespace, after);
    }
    return { scenario: this.scenario.name, namespaces };
  }

  async abort(): Promise<void> {
    for (const sniffer of this.sniffers.values()) await sniffer.kill();
  }

  /** The last packets may still be under way when the traffic's own processes have ended. */
  private async standStill(): Promise<Reading> {
    let last = await readAll(this.net, this.scenario);
    for (let read = 0; read < MOST_READS; read++) {
      await sleep(BETWEEN_READS_MS);
      const now = await readAll(this.net, this.scenario);
      if (JSON.stringify([...now.hooks]) === JSON.stringify([...last.hooks])) return now;
      last = now;
    }
    throw new TraceError('failed', `${this.scenario.name}: packets do not stop coming`);
  }

  private async namespaceTruth(namespace: string, after: Reading): Promise<NamespaceTruth> {
    const { net, before } = this;
    const [hooks, earlier] = [after.hooks.get(namespace), before.hooks.get(namespace)];
    const flows = after.flows.get(namespace);
    const end = await listRules(net, namespace, this.scenario.rules[namespace]);
    return {
      ...net.namespaces[namespace]!,
      interfaces: await interfacesOf(net, namespace),
      hooks: hooks !== undefined && earlier !== undefined ? difference(hooks, earlier) : null,
      counters: countersOf(end),
      rules: { start: this.rules.get(namespace) ?? [], end },
      flows: flows ? flowCountsBetween(before.flows.get(namespace) ?? [], flows) : null,
      conntrack: await conntrackLines(net, namespace),
      statistics: await readStatistics(net, namespace),
      statisticsBefore: this.statistics.get(namespace) ?? '',
      packets: (await this.sniffers.get(namespace)?.end()) ?? null,
    };
  }
}

async function readStatistics(net: Net, namespace: string): Promise<string> {
  return (await net.exec(namespace, ['conntrack', '-S'])).stdout;
}

async function readAll(net: Net, scenario: Scenario): Promise<Reading> {
  const hooks = new Map<string, HookCounts>();
  const flows = new Map<string, FlowCount[]>();
  for (const namespace of scenario.count) {
    hooks.set(namespace, await readHookCounts(net, namespace));
  }
  for (const namespace of scenario.countFlows) {
    flows.set(namespace, await readFlowCounts(net, namespace));
  }
  return { hooks, flows };
}

/** The same shape with each number less the one before. */
function difference<T>(after: T, before: T): T {
  if (typeof after === 'number' && typeof before === 'number') return (after - before) as T;
  const earlier = before as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries(after as Record<string, unknown>).map(([key, value]) => [
      key,
      difference(value, earlier[key]),
    ]),
  ) as T;
}

async function interfacesOf(net: Net, namespace: string): Promise<Record<string, number>> {
  const text = await net.need(namespace, ['ip', '-j', 'link']);
  const links = JSON.parse(text) as { ifname: string; ifindex: number }[];
  return Object.fromEntries(links.map(({ ifname, ifindex }) => [ifname, ifindex]));
}

function countersOf(rules: readonly RuleTruth[]): Record<string, number> {
  const named = rules.flatMap(({ comment, packets }) =>
    comment === null || packets === null ? [] : [[comment, packets] as const],
  );
  return Object.fromEntries(named);
}

async function conntrackLines(net: Net, namespace: string): Promise<string[]> {
  const lines: string[] = [];
  for (const family of ['ipv4', 'ipv6']) {
    const argv = ['conntrack', '-L', '-f', family, '-o', 'extended,id'];
    lines.push(...(await net.need(namespace, argv)).split('\n'));
  }
  return lines.filter((line) => line !== '');
}
