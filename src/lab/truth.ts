/**
 * The kernel's own account of a scenario, against which a trace is checked:
 * packets per hook as nft counted them, rule counters, the conntrack tables,
 * and the packets at both ends as tcpdump saw them.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { TraceError } from '../model/error.ts';
import { type HookCounts, readHookCounts } from './hook-counts.ts';
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
  /** `conntrack -L -o extended`, both families. */
  readonly conntrack: readonly string[];
  /** Columns of /proc/net/stat/nf_conntrack as the namespace shows them. */
  readonly statistics: string;
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

/** Begins before the trace does, ends while it still runs. */
export class TruthKeeper {
  private readonly net: Net;
  private readonly scenario: Scenario;
  private readonly before: ReadonlyMap<string, HookCounts>;
  private readonly sniffers: ReadonlyMap<string, Sniffer>;

  private constructor(
    net: Net,
    scenario: Scenario,
    before: ReadonlyMap<string, HookCounts>,
    sniffers: ReadonlyMap<string, Sniffer>,
  ) {
    this.net = net;
    this.scenario = scenario;
    this.before = before;
    this.sniffers = sniffers;
  }

  static async begin(net: Net, scenario: Scenario): Promise<TruthKeeper> {
    const sniffers = new Map<string, Sniffer>();
    for (const namespace of scenario.sniff) {
      sniffers.set(namespace, await startSniffer(net, namespace));
    }
    return new TruthKeeper(net, scenario, await readAll(net, scenario), sniffers);
  }

  async end(): Promise<KernelTruth> {
    const after = await this.standStill();
    const namespaces: Record<string, NamespaceTruth> = {};
    for (const namespace of Object.keys(this.net.namespaces)) {
      namespaces[namespace] = await this.namespaceTruth(namespace, after.get(namespace));
    }
    return { scenario: this.scenario.name, namespaces };
  }

  async abort(): Promise<void> {
    for (const sniffer of this.sniffers.values()) await sniffer.kill();
  }

  /** The last packets may still be under way when the traffic's own processes have ended. */
  private async standStill(): Promise<Map<string, HookCounts>> {
    let last = await readAll(this.net, this.scenario);
    for (let read = 0; read < MOST_READS; read++) {
      await sleep(BETWEEN_READS_MS);
      const now = await readAll(this.net, this.scenario);
      if (JSON.stringify([...now]) === JSON.stringify([...last])) return now;
      last = now;
    }
    throw new TraceError('failed', `${this.scenario.name}: packets do not stop coming`);
  }

  private async namespaceTruth(
    namespace: string,
    after: HookCounts | undefined,
  ): Promise<NamespaceTruth> {
    const { net } = this;
    const before = this.before.get(namespace);
    return {
      ...net.namespaces[namespace]!,
      interfaces: await interfacesOf(net, namespace),
      hooks: before !== undefined && after !== undefined ? difference(after, before) : null,
      counters: await ruleCounters(net, namespace),
      conntrack: await conntrackLines(net, namespace),
      statistics: (await net.exec(namespace, ['conntrack', '-S'])).stdout,
      packets: (await this.sniffers.get(namespace)?.end()) ?? null,
    };
  }
}

async function readAll(net: Net, scenario: Scenario): Promise<Map<string, HookCounts>> {
  const counts = new Map<string, HookCounts>();
  for (const namespace of scenario.count) {
    counts.set(namespace, await readHookCounts(net, namespace));
  }
  return counts;
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

interface ListedRule {
  readonly comment?: string;
  readonly table: string;
  readonly expr: readonly { readonly counter?: { readonly packets: number } }[];
}

async function ruleCounters(net: Net, namespace: string): Promise<Record<string, number>> {
  const text = await net.need(namespace, ['nft', '-j', 'list', 'ruleset']);
  const { nftables } = JSON.parse(text) as { nftables: { rule?: ListedRule }[] };
  const counters: Record<string, number> = {};
  for (const { rule } of nftables) {
    const counter = rule?.expr.find((expression) => expression.counter)?.counter;
    if (rule?.comment === undefined || counter === undefined || rule.table === 'lab_count')
      continue;
    counters[rule.comment] = counter.packets;
  }
  return counters;
}

async function conntrackLines(net: Net, namespace: string): Promise<string[]> {
  const lines: string[] = [];
  for (const family of ['ipv4', 'ipv6']) {
    const argv = ['conntrack', '-L', '-f', family, '-o', 'extended'];
    lines.push(...(await net.need(namespace, argv)).split('\n'));
  }
  return lines.filter((line) => line !== '');
}
