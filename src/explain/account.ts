/**
 * Rows of `packets` and `flows` in, counts per hook and per flow out: for which
 * packets a nat chain ran, and why for the others none did.
 *
 * A nat chain runs only for a packet whose flow has no decision yet for that
 * manip (nf_nat_inet_fn). Everything here follows from that and from what the
 * rows say happened: packets are counted in classes, and told apart afterwards.
 */
import type { BatchView } from '../columns/batch-view.ts';
import type { HookName } from '../model/codes.ts';
import { add, count, type FlowAccount, hookOf, type NetnsAccount, newFlow } from './counts.ts';
import { type FlowFact, FlowFacts } from './flow-facts.ts';
import { type PacketClass, PacketClasses } from './packet-classes.ts';
import { isDroppedAt, skipByFlow, skipOf } from './skip.ts';
import { type Way, wayOf } from './way.ts';

export class Account {
  readonly namespaces = new Map<number, NetnsAccount>();
  readonly flows = new Map<number, FlowAccount>();
  readonly facts: FlowFacts;
  private readonly classes: PacketClasses;

  /** Given what somebody else fills, it need not be given rows. */
  constructor(classes = new PacketClasses(), facts = new FlowFacts()) {
    this.classes = classes;
    this.facts = facts;
  }

  addPackets(view: BatchView): void {
    this.classes.add(view);
  }

  addFlows(view: BatchView): void {
    this.facts.add(view);
  }

  /** After the last row. */
  finish(): void {
    let fact: FlowFact | undefined;
    for (const one of this.classes.all()) {
      if (one.flow !== fact?.flow) fact = one.flow < 0 ? undefined : this.facts.get(one.flow);
      const way = wayOf(one.way);
      const netns = this.netnsOf(one.netns);
      netns.packets += one.packets;
      if (!way.isComplete) netns.torn += one.packets;
      for (const hook of way.hooks) addVisits(one, way, hook, netns, fact);
      if (one.flow >= 0) addToFlow(this.flowOf(one.flow, one.netns), one, way);
    }
    for (const flow of this.facts.numbers()) {
      if (!this.flows.has(flow)) this.flowOf(flow, this.facts.netnsOf(flow));
    }
  }

  private netnsOf(inode: number): NetnsAccount {
    const known = this.namespaces.get(inode);
    if (known !== undefined) return known;
    const netns: NetnsAccount = { packets: 0, torn: 0, hooks: new Map() };
    this.namespaces.set(inode, netns);
    return netns;
  }

  private flowOf(number: number, netns: number): FlowAccount {
    const known = this.flows.get(number);
    if (known !== undefined) return known;
    const flow = newFlow(number, netns);
    this.flows.set(number, flow);
    return flow;
  }
}

function addVisits(
  one: PacketClass,
  way: Way,
  hook: HookName,
  netns: NetnsAccount,
  flow: FlowFact | undefined,
): void {
  const account = hookOf(netns, hook);
  account.packets += one.packets;
  const isDropped = isDroppedAt(way, hook);
  if (isDropped) count(account.dropped, one.drop, one);
  if (way.chains.has(hook)) {
    add(account.ran, one);
    return;
  }
  const skip = skipOf(way, hook, one.flow >= 0) ?? skipByFlow(flow, hook, isDropped);
  count(account.skipped, skip, one);
}

function addToFlow(flow: FlowAccount, { packets }: PacketClass, way: Way): void {
  const direction = flow.directions[way.direction === 'reply' ? 'reply' : 'original'];
  direction.packets += packets;
  if (way.chains.size > 0) direction.ranChains += packets;
  else if (way.srcNat === 'mapping' || way.dstNat === 'mapping') direction.mapped += packets;
  else direction.untouched += packets;
  if (way.verdict === 'drop') direction.dropped += packets;
  for (const hook of way.chains) flow.chainHooks.add(hook);
}
