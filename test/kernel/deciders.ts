/**
 * Who decided each flow, by the kernel's own account alone: from the mark that
 * the deciding rule left in the entry, or, among rules of Kubernetes, from the
 * endpoint in the reply tuple; and what nft counted per entry meanwhile.
 */
import type { Count } from '../../src/lab/flow-counts.ts';
import type { RuleTruth } from '../../src/lab/rule-list.ts';
import type { NamespaceTruth } from '../../src/lab/truth.ts';
import { parseConntrackLine } from './conntrack-line.ts';
import { type Row, tupleOf } from './trace.ts';

export const MANIPS = ['src', 'dst'] as const;
export type Manip = (typeof MANIPS)[number];

export interface DecidedFlow {
  /** As `flowKey` gives it for a row. */
  readonly key: string;
  /** Null: no rule, a null mapping. */
  readonly decider: Readonly<Record<Manip, RuleTruth | null>>;
  readonly original: Count;
  readonly reply: Count;
}

export type Marks = Readonly<Record<string, number>>;

export function flowKey(row: Row): string {
  return `${row.family} ${row.protocol} ${tupleOf(row)} ${tupleOf(row, '_reply')}`;
}

/** Rules that were there when the trace began or when it ended, each once. */
export function knownRules({ rules }: NamespaceTruth): RuleTruth[] {
  const all = new Map([...rules.start, ...rules.end].map((rule) => [ruleKey(rule), rule]));
  return [...all.values()];
}

/** A rule that was replaced and the one in its place differ in their texts. */
export function ruleKey({ backend, family, table, chain, number, handle, comment }: RuleTruth) {
  return [backend, family, table, chain, number, handle, comment].join(' ');
}

export function decidedFlows(truth: NamespaceTruth, marks: Marks | undefined): DecidedFlow[] {
  const rules = knownRules(truth);
  return truth.conntrack.map((line) => {
    const entry = parseConntrackLine(line);
    const id = Number(/ id=(\d+)\s*$/.exec(line)?.[1]);
    const counts = truth.flows?.filter((flow) => flow.id === id) ?? [];
    const sum = (direction: 'original' | 'reply', what: keyof Count) =>
      counts.reduce((total, flow) => total + flow[direction][what], 0);
    const original = `${entry.src}:${entry.srcPort}>${entry.dst}:${entry.dstPort}`;
    const reply = `${entry.srcReply}:${entry.srcPortReply}>${entry.dstReply}:${entry.dstPortReply}`;
    return {
      key: `${entry.family} ${entry.protocol} ${original} ${reply}`,
      decider: marks ? byMark(rules, marks, entry.mark) : byEndpoint(rules, entry),
      original: { packets: sum('original', 'packets'), bytes: sum('original', 'bytes') },
      reply: { packets: sum('reply', 'packets'), bytes: sum('reply', 'bytes') },
    };
  });
}

/** The lower half of a mark says who decided dst, the upper half src. */
function byMark(rules: readonly RuleTruth[], marks: Marks, mark: number): DecidedFlow['decider'] {
  const named = (value: number) => {
    if (value === 0) return null;
    const [name] = Object.entries(marks).find(([, other]) => other === value) ?? [];
    return only(rules, `mark ${value}`, ({ comment }) => comment === name);
  };
  return { src: named(mark - (mark % 0x10000)), dst: named(mark % 0x10000) };
}

/** Where the router put its own address in place of the sender's, it masqueraded. */
function byEndpoint(
  rules: readonly RuleTruth[],
  entry: { readonly srcReply: string; readonly srcPortReply: number; readonly dstReply: string },
): DecidedFlow['decider'] {
  const target = new RegExp(
    `(to-destination|dnat to) ${entry.srcReply}:${entry.srcPortReply}( |$)`,
  );
  return {
    dst: only(rules, String(target), ({ text }) => target.test(text)),
    src:
      entry.dstReply === '203.0.113.1'
        ? only(rules, 'masquerade', ({ text }) => /masquerade fully|-j MASQUERADE/.test(text))
        : null,
  };
}

function only(rules: readonly RuleTruth[], what: string, is: (rule: RuleTruth) => boolean) {
  const [found, ...more] = rules.filter(is);
  if (found === undefined || more.length > 0) {
    throw new Error(`${what}: found ${found ? more.length + 1 : 0} rules, needed 1`);
  }
  return found;
}

/** By how much its counter rose; null where it has none, or was gone before the end. */
export function counterRise({ rules }: NamespaceTruth, rule: RuleTruth): number | null {
  const same = (other: RuleTruth) => ruleKey(other) === ruleKey(rule);
  const after = rules.end.find(same)?.packets ?? null;
  return after === null ? null : after - (rules.start.find(same)?.packets ?? 0);
}

/** Flows, packets and bytes of the flows that a rule decided, as `rules` has them. */
export function decidedBy(flows: readonly DecidedFlow[], rule: RuleTruth) {
  const its = flows.filter(({ decider }) => MANIPS.some((manip) => decider[manip] === rule));
  const sum = (direction: 'original' | 'reply', what: keyof Count) =>
    its.reduce((total, flow) => total + flow[direction][what], 0);
  return {
    flows: its.length,
    packets: sum('original', 'packets'),
    packets_reply: sum('reply', 'packets'),
    bytes: sum('original', 'bytes'),
    bytes_reply: sum('reply', 'bytes'),
  };
}
