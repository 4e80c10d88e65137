/** What the loaded rules are asked about classes of packets. */
import type { HookName } from '../model/codes.ts';
import type { NetnsPlace } from '../model/facts.ts';
import { type HookTuple, isLocalDestination, tupleAt } from './at-hook.ts';
import { type Asked, Evaluator, type Met, type Outcome } from './evaluate.ts';
import type { FlowFact, FlowFacts } from './flow-facts.ts';
import { Inference } from './infer.ts';
import type { PacketClass, PacketClasses } from './packet-classes.ts';
import type { RuleRow } from './rule-rows.ts';
import type { Loaded } from './rulesets.ts';
import { type Way, wayOf } from './way.ts';

export interface Answer {
  readonly outcome: Outcome;
  readonly rowOf: (met: Pick<Met, 'rule'>) => RuleRow;
  /** The outcome, knowing who decided; null: a null mapping came of it. `counts`: which rules matter. */
  readonly given: (decider: Met | null, counts: (row: RuleRow) => boolean) => Outcome;
}

/** ifindex of `lo` in every namespace (net/core/dev.c: LOOPBACK_IFINDEX). */
const LOOPBACK = 1;

/** Namespaces by inode, as they were when the trace began. */
export type Places = Readonly<Record<string, NetnsPlace>>;

export interface Traffic {
  readonly classes: PacketClasses;
  readonly flows: FlowFacts;
  readonly places: Places;
}

interface Asker {
  readonly evaluator: Evaluator;
  readonly rowOf: Answer['rowOf'];
}

export class Questions {
  /** By inode, as a number. */
  private readonly places: ReadonlyMap<number, NetnsPlace>;
  private readonly loaded: ReadonlyMap<number, readonly Loaded[]>;
  private readonly askers = new Map<Loaded, Asker>();
  private readonly inference = new Inference();
  private readonly hooks = new Map<Loaded, ReadonlySet<HookName>>();
  /** Addresses that packets were delivered to, by namespace. */
  private readonly local = new Map<number, Set<string>>();

  constructor(loaded: ReadonlyMap<number, readonly Loaded[]>, { classes, flows, places }: Traffic) {
    this.loaded = loaded;
    this.places = new Map(Object.entries(places).map(([inode, one]) => [Number(inode), one]));
    if (asksForRouting(loaded)) this.findLocal(classes, flows);
  }

  /** Undefined: no nat chain at that hook is known. */
  ask(one: PacketClass, flow: FlowFact | undefined, way: Way, hook: HookName): Answer | undefined {
    const loaded = this.loadedAt(one.netns, way.chains.size > 0 ? one.firstAt : one.lastAt);
    if (loaded === undefined || !this.hooksOf(loaded).has(hook)) return undefined;
    const tuple = flow === undefined ? one.tuple! : tupleAt(flow, way, hook);
    return this.answer(loaded, this.askedOf(one, flow, way, hook, tuple));
  }

  answer(loaded: Loaded, asked: Asked): Answer {
    const { evaluator, rowOf } = this.askerOf(loaded);
    const outcome = evaluator.ask(asked);
    const given: Answer['given'] = (decider, counts) =>
      this.inference.given(outcome, decider, {
        evaluate: (assumed) => evaluator.assume(asked, assumed),
        counts: (rule) => counts(rowOf({ rule })),
      });
    return { outcome, rowOf, given };
  }

  private askerOf(loaded: Loaded): Asker {
    const known = this.askers.get(loaded);
    if (known !== undefined) return known;
    const rowOf: Asker['rowOf'] = ({ rule }) => loaded.rowOf.get(rule)!;
    const asker = { evaluator: new Evaluator(loaded.ruleset), rowOf };
    this.askers.set(loaded, asker);
    return asker;
  }

  /** The rules in force in a namespace at a time, ns since 1970. */
  loadedAt(netns: number, at: number): Loaded | undefined {
    return this.loaded.get(netns)?.find(({ from, until }) => from <= at && at < until);
  }

  private askedOf(
    one: PacketClass,
    flow: FlowFact | undefined,
    way: Way,
    hook: HookName,
    tuple: HookTuple,
  ): Asked {
    const { family, protocol } = flow ?? one.tuple!;
    const { src, dst, srcPort, dstPort } = tuple;
    const known = this.local.get(one.netns);
    const own = this.places.get(one.netns)?.addresses;
    const routed = flow === undefined ? undefined : isLocalDestination(flow, way);
    // nothing tells what a mark was before the last hook, or before chains that ran there
    const hasMark = hook === way.lastHook && !way.chains.has(hook);
    return {
      hook,
      family,
      protocol,
      src,
      dst,
      srcPort,
      dstPort,
      mark: hasMark ? one.mark : undefined,
      in: this.interfaceOf(one.netns, one.inIfindex),
      out: this.interfaceOf(one.netns, one.outIfindex),
      state: way.state === 'none' ? undefined : way.state,
      isLocal: (address) => {
        if (own?.includes(address)) return true;
        if (known?.has(address) || address.startsWith('127.') || address === '::1') return true;
        return address === dst ? routed : undefined;
      },
    };
  }

  /** By name, where that is known. */
  private interfaceOf(netns: number, index: number | null): string | undefined {
    return index === LOOPBACK ? 'lo' : this.places.get(netns)?.interfaces[index ?? 0];
  }

  private hooksOf(loaded: Loaded): ReadonlySet<HookName> {
    const known = this.hooks.get(loaded);
    if (known !== undefined) return known;
    const found = new Set(loaded.ruleset.chains.flatMap(({ base }) => base?.hook ?? []));
    this.hooks.set(loaded, found);
    return found;
  }

  private findLocal(classes: PacketClasses, flows: FlowFacts): void {
    for (const one of classes) {
      const flow = one.tuple === null ? flows.get(one.flow) : undefined;
      const way = wayOf(one.way);
      if (flow === undefined || !way.hooks.has('input')) continue;
      const known = this.local.get(one.netns) ?? new Set();
      known.add(tupleAt(flow, way, 'input').dst);
      this.local.set(one.netns, known);
    }
  }
}

function asksForRouting(loaded: ReadonlyMap<number, readonly Loaded[]>): boolean {
  const rules = [...loaded.values()].flat().flatMap(({ rowOf }) => [...rowOf.keys()]);
  return rules.some(({ terms }) =>
    terms.some(
      (term) => !('unknown' in term) && term.fields.some((name) => name.endsWith('_type')),
    ),
  );
}
