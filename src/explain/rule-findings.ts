/**
 * Accounts of rules to findings: plain data that add up. Every packet that
 * could have matched is decided by the rule, has a cause, or is not explained.
 */
import { protocolName } from '../model/codes.ts';
import { type CounterCheck, checkCounter } from './counter-check.ts';
import { nextCommand } from './next-command.ts';
import type { PacketTuple } from './packet-tuple.ts';
import type { CauseTally, RuleAccount, RuleCause, RuleNote, Tally, Whose } from './rule-account.ts';
import { notesOf } from './rule-notes.ts';
import { type RuleRow, ruleName, type TrueCounts } from './rule-rows.ts';
import { isTouched, type TraceContext } from './trace-context.ts';

export interface CauseFinding {
  readonly cause: RuleCause | RuleNote;
  /** More of it in words; empty where there is nothing more to say. */
  readonly detail: string;
  /** Null: not to be known, the packets pass no hook. */
  readonly packets: number | null;
  readonly flows: number;
  /** Tuples of some of the flows, as text. */
  readonly examples: readonly string[];
  /** Values of packets.packet. */
  readonly evidence: readonly string[];
  /** A command line. */
  readonly next: string;
}

export interface DecidedFinding {
  readonly packets: number;
  readonly flows: number;
  readonly examples: readonly string[];
  readonly evidence: readonly string[];
}

export interface RuleFinding {
  readonly rule: number;
  readonly netns: number;
  readonly netnsName: string;
  /** `ip nat prerouting handle 4`, `nat/POSTROUTING/3`. */
  readonly name: string;
  readonly backend: string;
  readonly hook: string | null;
  readonly text: string;
  /** False: a rule of a nat chain that only counts or lets through. */
  readonly isNat: boolean;
  /** ns since 1970 as a decimal; null: there before, there at the end. */
  readonly addedAt: string | null;
  readonly removedAt: string | null;
  /** The kernel's counter, and whether it agrees with the flows decided; null: it counts nothing. */
  readonly counter: CounterCheck | null;
  readonly counts: TrueCounts;
  /** known: no loss is in the time it was loaded. unknown: what was lost may have matched it. */
  readonly certainty: 'known' | 'unknown';
  /** = decided.packets + packets of all causes. */
  readonly couldMatch: number;
  readonly decided: DecidedFinding;
  /** Most important first, what is not explained among them. */
  readonly causes: readonly CauseFinding[];
  /** Of the rule as a whole, not in the sum. */
  readonly notes: readonly CauseFinding[];
  /** Of those decided, packets by the chains that led to the rule, the base chain first. */
  readonly paths: readonly { readonly path: readonly string[]; readonly packets: number }[];
  /** Of couldMatch, packets that matched only if this holds. */
  readonly onlyIf: readonly { readonly condition: string; readonly packets: number }[];
}

export function ruleFinding(
  account: RuleAccount,
  rows: readonly RuleRow[],
  context: TraceContext,
): RuleFinding {
  const { row, decided } = account;
  const nextFor = (cause: RuleCause | RuleNote, whose?: Whose, by: RuleRow | null = null): string =>
    nextCommand(cause, { row, by, whose, through: context.through });
  const found = (
    cause: RuleCause | RuleNote,
    tally: Tally,
    detail: string,
    by: RuleRow | null = null,
  ): CauseFinding => ({
    ...{ cause, detail },
    ...tallied(tally),
    next: nextFor(cause, tally.examples[0], by),
  });
  const causes = [...account.causes.values()].sort(byImportance);
  return {
    ...namedOf(row, context),
    isNat: account.isNat,
    counter: checkCounter(account, context),
    counts: account.counts,
    certainty: isTouched(row, context) ? 'unknown' : 'known',
    couldMatch: account.couldMatch,
    decided: tallied(decided),
    causes: causes.map((tally) => found(tally.cause, tally, detailOf(tally), tally.by)),
    notes: notesOf(account, rows, context).map(({ note, detail, tally, packets }) => {
      const finding = found(note, tally, detail);
      return packets === undefined ? finding : { ...finding, packets };
    }),
    paths: [...account.paths]
      .map(([path, packets]) => ({ path: path.split(' > '), packets }))
      .sort((a, b) => b.packets - a.packets),
    onlyIf: [...account.onlyIf]
      .map(([condition, packets]) => ({ condition, packets }))
      .sort((a, b) => b.packets - a.packets),
  };
}

function namedOf(row: RuleRow, context: TraceContext) {
  const time = (at: number | null): string | null => (at === null ? null : BigInt(at).toString());
  return {
    rule: row.number,
    netns: row.netns,
    netnsName: context.netnsName(row.netns),
    name: ruleName(row),
    backend: row.backend,
    hook: row.hook,
    text: row.text,
    addedAt: time(row.addedAt),
    removedAt: time(row.removedAt),
  };
}

function tallied({ packets, flows, examples, evidence }: Tally) {
  return { packets, flows, examples: examples.map(exampleText), evidence: evidence.map(String) };
}

function exampleText({ flow, tuple }: Whose): string {
  return flow === null ? tupleLine(tuple) : `flow ${flow.flow}: ${flow.text}`;
}

function tupleLine({ protocol, src, dst, srcPort, dstPort }: PacketTuple): string {
  const isV6 = src.includes(':');
  const end = (address: string, port: number): string =>
    port === 0 ? address : `${isV6 ? `[${address}]` : address}:${port}`;
  const name = protocolName(protocol);
  if (name.startsWith('icmp')) return `${name} ${src} > ${dst}`;
  return `${name} ${end(src, srcPort)} > ${end(dst, dstPort)}`;
}

function detailOf({ cause, detail, by }: CauseTally): string {
  if (by === null) return detail;
  const who = cause === 'flow already mapped' ? 'by ' : '';
  const name = `${who}${ruleName(by)}: ${by.text}`;
  return detail === '' ? name : `${detail}: ${name}`;
}

/** What is wrong before what is as it should be. */
const IMPORTANCE: readonly RuleCause[] = [
  'not explained',
  'unknown',
  'flow older than the rule',
  'earlier rule decided first',
  'earlier chain or priority decided first',
  'other rules backend decided first',
  'dropped before the nat hook',
  'confirmed nowhere',
  'other conntrack zone',
  'untracked',
  'invalid',
  'not seen by conntrack',
  'reply direction',
  'flow already mapped',
  "hook not on this packet's way",
];

function byImportance(a: CauseTally, b: CauseTally): number {
  const place = ({ cause }: CauseTally): number => IMPORTANCE.indexOf(cause);
  return place(a) - place(b) || b.packets - a.packets || (a.detail < b.detail ? -1 : 1);
}
