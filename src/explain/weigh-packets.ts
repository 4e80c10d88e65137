/**
 * Every class of packets against every rule that it could have matched. A class
 * is asked about once per hook; only the rules that come of it are touched, so
 * that the cost does not grow with the number of rules.
 */
import type { HookName } from '../model/codes.ts';
import { manipAt, NAT_HOOKS } from './at-hook.ts';
import { type AtHook, atHook, type Passed } from './cause-of.ts';
import type { Met, Outcome } from './evaluate.ts';
import type { FlowFact, FlowFacts } from './flow-facts.ts';
import type { FlowLife } from './flow-steps.ts';
import { jumpPath } from './jump-path.ts';
import { matchesByTuple } from './match-text.ts';
import type { PacketClass, PacketClasses } from './packet-classes.ts';
import { type Answer, type Places, Questions } from './questions.ts';
import { RuleAccount } from './rule-account.ts';
import { identityOf, isJump, isNatRule, type RuleRow } from './rule-rows.ts';
import { type Loaded, rulesetsOf } from './rulesets.ts';
import { isAwayRank, rankOf, settle, type Turn, whoseOf } from './turn.ts';
import { wayOf } from './way.ts';
import { decidedOf, type Standing, type Weight, weigh } from './weigh-rule.ts';

export class Weighing {
  /** By rules.rule: NAT rules, and those of nat chains that count. */
  readonly accounts = new Map<number, RuleAccount>();
  /** Packets whose flow has no row: its records were lost, or the trace was cut short. */
  unplaced = 0;
  readonly loaded: ReadonlyMap<number, readonly Loaded[]>;
  /** By rules.rule; of several rows of one rule the first. */
  readonly rows = new Map<number, RuleRow>();
  readonly places: Places;
  /** Flows whose decisions are wanted with the path to the rule. */
  private readonly watched: ReadonlySet<number>;
  /** Chains from the base chain to the rule's, by flow and manip: `7 dst`. */
  private readonly paths = new Map<string, readonly string[]>();
  private turn = 0;
  private readonly known = new WeakMap<Outcome, readonly Standing[]>();

  constructor(
    rows: readonly RuleRow[],
    places: Places = {},
    watched: ReadonlySet<number> = new Set(),
  ) {
    this.places = places;
    this.watched = watched;
    const first = new Map<string, RuleRow>();
    for (const row of rows) {
      const identity = identityOf(row);
      const known = first.get(identity);
      this.rows.set(row.number, known ?? row);
      if (known === undefined) first.set(identity, row);
      if (known === undefined) this.open(row);
      else this.accounts.get(known.number)?.addCounts(row.counts);
    }
    this.loaded = rulesetsOf([...first.values()]);
  }

  private open(row: RuleRow): void {
    const isNat = isNatRule(row) || row.family === null;
    const isCounting = row.counter !== null && !isJump(row);
    if (isNat || isCounting) this.accounts.set(row.number, new RuleAccount(row, isNat));
  }

  run(classes: PacketClasses, flows: FlowFacts): void {
    const questions = new Questions(this.loaded, { classes, flows, places: this.places });
    let flow: FlowFact | undefined;
    for (const one of classes) {
      if (one.flow !== flow?.flow) flow = one.flow < 0 ? undefined : flows.get(one.flow);
      if (flow === undefined && one.tuple === null) this.unplaced += one.packets;
      else this.addClass(one, one.tuple === null ? flow : undefined, questions);
    }
    flows.eachRules((src, dst) => this.addDecided(src, dst));
  }

  placed(life: FlowLife): FlowLife {
    const mappings = life.mappings.map((mapping) => ({
      ...mapping,
      rule: this.accountOf(mapping.rule)?.row.number ?? mapping.rule,
      path: this.paths.get(`${life.flow} ${mapping.manip}`) ?? null,
    }));
    return { ...life, mappings };
  }

  private addClass(one: PacketClass, flow: FlowFact | undefined, questions: Questions): void {
    const way = wayOf(one.way);
    const passed: Passed = { way, flow, drop: one.drop };
    const turns: Turn[] = [];
    this.turn++;
    for (const hook of NAT_HOOKS) {
      const found = atHook(passed, hook, (number) => this.rows.get(number));
      const asked = questions.ask(one, flow, way, hook);
      const isAway = found.ran === null && found.cause === "hook not on this packet's way";
      const dropped = one.drop === '' ? '' : `dropped at ${way.lastHook}: ${one.drop}`;
      // whatever evaluation says of it: the kernel says that this rule decided
      if (found.ran === 'rule' && found.by !== null) {
        this.take(turns, { row: found.by, met: null }, decidedOf({ flow, dropped }), 0);
      }
      if (asked === undefined) continue;
      const { rowOf } = asked;
      const outcome = this.decidedOutcome(found, asked);
      if (found.ran === 'rule' && found.by !== null) {
        this.notePath(found.by, jumpPath(outcome, found.by, rowOf), one, hook);
      }
      const mappedBy = this.mappedBy(flow, hook);
      const weighed = { found, flow, outcome, rowOf, mappedBy, dropped };
      for (const standing of this.standings(outcome, rowOf)) {
        if (isAway && !matchesByTuple(standing.met)) continue;
        const weight = weigh(weighed, standing);
        if (weight !== null) this.take(turns, standing, weight, rankOf(weight, hook, isAway));
        else this.accountOf(standing.row.number)!.ruledOut = this.turn;
      }
    }
    const whose = whoseOf(one, flow);
    for (const turn of turns) {
      const isRuledOut = turn.account.ruledOut === this.turn && isAwayRank(turn.rank);
      if (!isRuledOut) settle(turn, whose, one);
    }
  }

  /** The rules of an outcome that have an account, each once; found once for packets that are alike. */
  private standings(outcome: Outcome, rowOf: (met: Met) => RuleRow): readonly Standing[] {
    const known = this.known.get(outcome);
    if (known !== undefined) return known;
    const { met, others, shadowed } = outcome;
    const found = [
      ...met.map((one, place) => ({ met: one, row: rowOf(one), by: null, place })),
      ...others
        .map((one) => ({ met: one, row: rowOf(one), by: null, place: -1 }))
        .filter(({ row }) => this.accounts.get(row.number)?.isNat === false),
      ...shadowed.map((one) => ({ met: one, row: rowOf(one), by: rowOf(one.by), place: -1 })),
    ].filter(({ row }) => this.accounts.has(row.number));
    this.known.set(outcome, found);
    return found;
  }

  /** Knowing what the kernel decided, as far as evaluation knows that rule. */
  private decidedOutcome(found: AtHook, { outcome, rowOf, given }: Answer): Outcome {
    const counts = ({ number }: RuleRow): boolean => this.accounts.get(number)?.isNat === false;
    if (found.ran === 'null mapping') return given(null, counts);
    if (found.ran !== 'rule' || found.by === null) return outcome;
    const decider = outcome.met.find((met) => rowOf(met) === found.by);
    return decider === undefined ? outcome : given(decider, counts);
  }

  private mappedBy(flow: FlowFact | undefined, hook: HookName): RuleRow | null {
    const number = flow?.rule[manipAt(hook)] ?? null;
    return number === null ? null : (this.rows.get(number) ?? null);
  }

  private notePath(
    by: RuleRow,
    path: readonly string[] | null,
    { flow, packets }: PacketClass,
    hook: HookName,
  ): void {
    if (path === null || path.length === 1) return;
    this.accountOf(by.number)?.addPath(path.join(' > '), packets);
    if (this.watched.has(flow)) this.paths.set(`${flow} ${manipAt(hook)}`, path);
  }

  /** Of a rule that several hooks lead to the most telling one counts. */
  private take(
    turns: Turn[],
    { row, met }: Pick<Turn, 'met'> & { readonly row: RuleRow },
    weight: NonNullable<Weight>,
    rank: number,
  ): void {
    const account = this.accounts.get(row.number);
    if (account === undefined) return;
    if (account.turn !== this.turn) {
      account.turn = this.turn;
      turns.push({ account, weight, met, rank });
      return;
    }
    const known = turns.find((turn) => turn.account === account);
    if (known !== undefined && rank < known.rank) Object.assign(known, { weight, met, rank });
  }

  private addDecided(src: number | null, dst: number | null): void {
    const bySrc = this.accountOf(src);
    const byDst = dst === src ? undefined : this.accountOf(dst);
    if (bySrc !== undefined) bySrc.flowsDecided++;
    if (byDst !== undefined) byDst.flowsDecided++;
  }

  private accountOf(number: number | null): RuleAccount | undefined {
    const row = number === null ? undefined : this.rows.get(number);
    return row === undefined ? undefined : this.accounts.get(row.number);
  }
}
