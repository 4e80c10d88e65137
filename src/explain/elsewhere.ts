/** Rules that met nothing in their own namespace: did such packets pass in another one? */
import { NAT_HOOKS, tupleAt } from './at-hook.ts';
import type { FlowFact, FlowFacts } from './flow-facts.ts';
import { matchesByTuple } from './match-text.ts';
import type { PacketClass, PacketClasses } from './packet-classes.ts';
import { Questions } from './questions.ts';
import { addTo, type RuleAccount } from './rule-account.ts';
import { wayOf } from './way.ts';
import type { Weighing } from './weigh-packets.ts';

/** Questions asked at most: each namespace's rules are asked about all others. */
const MAX_ASKED = 1_000_000;

export function lookElsewhere(weighing: Weighing, classes: PacketClasses, flows: FlowFacts): void {
  const idle = new Set([...weighing.accounts.values()].filter(isIdle));
  const namespaces = new Set([...idle].map(({ row }) => row.netns));
  if (idle.size === 0) return;
  const questions = new Questions(weighing.loaded, { classes, flows, places: weighing.places });
  let left = MAX_ASKED;
  let flow: FlowFact | undefined;
  for (const one of classes) {
    if (one.tuple !== null) break;
    for (const netns of namespaces) {
      if (netns === one.netns) continue;
      if (one.flow !== flow?.flow) flow = flows.get(one.flow);
      if (flow === undefined) break;
      left -= NAT_HOOKS.length;
      if (left < 0) return;
      addOne(weighing, idle, questions, netns, one, flow);
    }
  }
}

function isIdle({ couldMatch, row, flowsDecided }: RuleAccount): boolean {
  return couldMatch === 0 && flowsDecided === 0 && row.family !== null;
}

function addOne(
  weighing: Weighing,
  idle: ReadonlySet<RuleAccount>,
  questions: Questions,
  netns: number,
  one: PacketClass,
  flow: FlowFact,
): void {
  const way = wayOf(one.way);
  const loaded = questions.loadedAt(netns, one.lastAt);
  if (loaded === undefined || way.direction === 'reply') return;
  const met = new Set<RuleAccount>();
  for (const hook of NAT_HOOKS) {
    if (!way.hooks.has(hook)) continue;
    const { family, protocol } = flow;
    const tuple = tupleAt(flow, way, hook);
    const { outcome, rowOf } = questions.answer(loaded, { hook, family, protocol, ...tuple });
    for (const found of [...outcome.met, ...outcome.shadowed]) {
      const account = weighing.accounts.get(rowOf(found).number);
      if (account !== undefined && idle.has(account) && matchesByTuple(found)) met.add(account);
    }
  }
  for (const account of met) {
    const tally = account.elsewhereIn(one.netns);
    addTo(tally, { flow, tuple: flow, netns: one.netns }, one.packets, one.evidence);
  }
}
