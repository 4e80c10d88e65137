/**
 * One rule against one class of packets at one hook: was it decided by it, and
 * if not, why not. The evaluator says where the rule stands among those that
 * the packet would meet; flows say which of them decided.
 */
import type { AtHook } from './cause-of.ts';
import type { Met, Outcome } from './evaluate.ts';
import type { FlowFact } from './flow-facts.ts';
import { isMappedLike } from './mapped-like.ts';
import type { RuleCause } from './rule-account.ts';
import type { RuleRow } from './rule-rows.ts';

/** A rule as the evaluator found it. `by`: what ended the way before it, where that is certain. */
export interface Standing {
  readonly met: Met;
  readonly row: RuleRow;
  readonly by: RuleRow | null;
  /** Place among the NAT rules met, -1: one that decides no mapping, or is shadowed. */
  readonly place: number;
}

/** `decided`, a cause, or null: the decision shows that the rule did not match. */
export type Weight = {
  readonly cause: RuleCause | 'decided';
  readonly detail: string;
  readonly by: RuleRow | null;
} | null;

const because = (
  cause: RuleCause | 'decided',
  detail = '',
  by: RuleRow | null = null,
): NonNullable<Weight> => ({
  cause,
  detail,
  by,
});

export interface Weighed {
  readonly found: AtHook;
  readonly flow: FlowFact | undefined;
  readonly outcome: Outcome;
  readonly rowOf: (met: Pick<Met, 'rule'>) => RuleRow;
  /** The rule that mapped the flow's end which this hook rewrites, if one did. */
  readonly mappedBy: RuleRow | null;
  /** `NETFILTER_DROP in nf_hook_slow`, with the hook before it, or empty. */
  readonly dropped: string;
}

export function weigh(weighed: Weighed, standing: Standing): Weight {
  const { found } = weighed;
  switch (found.ran) {
    case 'rule':
      if (found.by === null) return because('not explained', UNRESOLVED);
      if (found.by !== standing.row) return besideOther(weighed, standing, found.by);
      return decidedOf(weighed);
    case 'null mapping':
      return besideNull(standing);
    case 'nothing':
      return because('not explained', 'the chains ran, nothing was decided');
    default:
      return mappedByOther(skippedOf(weighed, standing, found), weighed, standing);
  }
}

function mappedByOther(weight: Weight, { mappedBy }: Weighed, { row }: Standing): Weight {
  if (weight?.cause !== 'flow already mapped' || mappedBy === null || mappedBy === row)
    return weight;
  return { ...weight, by: mappedBy };
}

const UNRESOLVED = 'decided by a rule that was not resolved';

/** The kernel names the rule; does a mapping live of it? */
export function decidedOf({
  flow,
  dropped,
}: Pick<Weighed, 'flow' | 'dropped'>): NonNullable<Weight> {
  const nowhere = NOWHERE[flow?.confirm ?? ''];
  if (nowhere === undefined) return because('decided');
  const isDropped = flow?.confirm === 'none' && dropped !== '';
  return because('confirmed nowhere', isDropped ? dropped : nowhere);
}

/** Counted by the rule, though no mapping lives; by flows.confirm. */
const NOWHERE: Readonly<Record<string, string>> = {
  none: 'the entry was given up before it was confirmed',
  refused: 'the kernel refused to put the entry into its table',
  merged: 'an equal entry was in the table already',
};

/** Another rule decided. */
function besideOther({ outcome, rowOf }: Weighed, standing: Standing, by: RuleRow): Weight {
  const { met, row, place } = standing;
  const isMet = standing.by === null;
  const ways = outcome.met.filter((one) => rowOf(one) === by);
  const isBefore = ways.length === 0 ? by.order < row.order : ways[0]!.turn < met.turn;
  const isOneBase = ways.some((way) => baseOf(way, rowOf) === baseOf(met, rowOf));
  if (!isMet) return earlier(row, by, isOneBase);
  // by one way it is come to before the decider, by another after it
  if (isBefore && ways.some(({ turn }) => turn > met.turn)) return null;
  if (isBefore) return earlier(row, by, isOneBase);
  if (place < 0) return counted(met);
  return met.truth === 'maybe' ? null : because('not explained', 'another rule decided', by);
}

/** The chains ran and no rule mapped. */
function besideNull({ met, row, by, place }: Standing): Weight {
  if (by !== null) return earlier(row, by);
  if (place < 0) return counted(met);
  return met.truth === 'maybe' ? null : because('not explained', 'it was passed over');
}

/** A rule without a mapping of its own: where it is not certain that it was passed, nothing is said. */
function counted({ truth }: Met): Weight {
  return truth === 'yes' ? because('decided') : null;
}

/** The base chain by which a rule is come to, with its table. */
function baseOf({ path, rule }: Met, rowOf: Weighed['rowOf']): string {
  const { backend, family, table, chain } = rowOf({ rule: path[0] ?? rule });
  return [backend, family, table, chain].join(' ');
}

function earlier(row: RuleRow, by: RuleRow, isOneBase = false): Weight {
  const isLegacy = row.backend === 'legacy';
  if (isLegacy !== (by.backend === 'legacy')) {
    return because('other rules backend decided first', '', by);
  }
  const isSame = row.chain === by.chain && row.table === by.table && row.family === by.family;
  const cause =
    isSame || isOneBase ? 'earlier rule decided first' : 'earlier chain or priority decided first';
  return because(cause, '', by);
}

/** No chain ran at the hook. */
function skippedOf(
  { flow, outcome }: Weighed,
  { met, row, by, place }: Standing,
  { cause, detail }: Extract<AtHook, { ran: null }>,
): Weight {
  if (flow === undefined) return because(cause, detail);
  const isFixed = ['unknown', 'reply direction', "hook not on this packet's way"].includes(cause);
  if (isFixed) return because(cause, detail);
  if (met.truth === 'maybe' && isOtherZone(met, flow.zone)) {
    return because('other conntrack zone', `zone ${flow.zone}`);
  }
  const isAdded = row.addedAt !== null && flow.firstAt < row.addedAt;
  const isOlder = cause === 'flow older than the rule' || (isAdded && OF_MAPPING.has(cause));
  if (!isOlder) return because(cause, detail);
  // shadowed: the rule would not decide about a new flow either; or mapped as it, or one beside it, maps
  const isDone =
    by !== null ||
    outcome.met.some(({ decides }) => decides.some((target) => isMappedLike(flow, target)));
  if (!isDone && (place >= 0 || isAdded)) return because('flow older than the rule');
  return because(
    'flow already mapped',
    isAdded ? 'before the rule was added' : 'before the trace began',
  );
}

/** What a rule that was added since may be too late for. */
const OF_MAPPING: ReadonlySet<RuleCause> = new Set(['flow already mapped', 'not explained']);

const ZONE = /\bzone\b\D*(\d+)/;

const zones = new WeakMap<Met, readonly number[]>();

function isOtherZone(met: Met, zone: number): boolean {
  const known = zones.get(met) ?? zonesOf(met);
  zones.set(met, known);
  return known.some((asked) => asked !== zone);
}

function zonesOf({ rule, path }: Met): number[] {
  const terms = [...path, rule].flatMap((one) => one.terms);
  const texts = terms.flatMap((term) => ('unknown' in term ? [term.unknown] : []));
  return texts.flatMap((text) => ZONE.exec(text)?.slice(1).map(Number) ?? []);
}
