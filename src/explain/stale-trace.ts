/** Stale mappings of a recorded trace: its entries against the rules that were loaded at its end. */
import type { BatchView } from '../columns/batch-view.ts';
import type { TraceFacts } from '../model/facts.ts';
import type { Ruleset } from '../model/ruleset.ts';
import { Evaluator } from './evaluate.ts';
import { identityOf, type RuleRow, readRules } from './rule-rows.ts';
import { rulesetsOf } from './rulesets.ts';
import { findStale, type Stale } from './stale.ts';
import { LOOPBACK, RecordedEntries, type RecordedEntry } from './stale-flows.ts';
import { lostUntil, type TraceEnds } from './trace-ends.ts';

/** Entries of which nothing is claimed, by the first reason that holds. */
export interface Unknown {
  /** Records were lost while they were in the table: it may have left it, or be another one. */
  readonly lost: number;
  /** Records about them were lost, or came too late. */
  readonly incomplete: number;
  /** The trace has no rules of their namespace. */
  readonly noRules: number;
}

export interface RecordedStale extends Stale {
  /** flows.flow. */
  readonly flow: string;
  /** It was in the table before the trace saw it; its age is not known. */
  readonly isOlder: boolean;
  /** Of both directions, during the trace; null: they were not counted. */
  readonly rate: { readonly packetsPerS: number; readonly bytesPerS: number } | null;
}

export interface RecordedReport {
  readonly netns: number;
  readonly stale: readonly RecordedStale[];
  readonly entries: number;
  readonly expected: number;
  readonly hasZones: boolean;
  readonly unknown: Unknown;
}

/** ns since 1970. */
interface Span {
  from: number;
  to: number;
}

const NS = 1e9;

export class StaleTrace {
  private readonly byNetns = new Map<number, RecordedEntries>();
  private readonly rules = new Map<string, RuleRow>();
  private readonly places: TraceFacts['places'];
  /** From the first record to the last. */
  private readonly seen: Span = { from: Number.POSITIVE_INFINITY, to: 0 };

  constructor(places: TraceFacts['places']) {
    this.places = places;
  }

  get hasRules(): boolean {
    return this.rules.size > 0;
  }

  addPackets(view: BatchView): void {
    for (let row = 0; row < view.rows; row++) {
      this.see(Number(view.bigs('started_at')[row]));
      this.entriesOf(view.numbers('netns')[row]!).addPacket(view, row);
    }
  }

  addFlows(view: BatchView): void {
    for (let row = 0; row < view.rows; row++) {
      this.see(Number(view.bigs('first_at')[row]));
      this.entriesOf(view.numbers('netns')[row]!).addFlow(view, row);
    }
  }

  /** Of several rows of one rule the first. */
  addRules(view: BatchView): void {
    for (const row of readRules(view)) {
      const identity = identityOf(row);
      if (!this.rules.has(identity)) this.rules.set(identity, row);
    }
  }

  /** Namespaces that had entries at the end; `wanted`: only these, undefined: all. */
  reports(ends: TraceEnds, wanted?: readonly number[]): RecordedReport[] {
    const loaded = rulesetsOf([...this.rules.values()]);
    return [...this.byNetns]
      .filter(([netns]) => wanted?.includes(netns) ?? true)
      .map(([netns, entries]) =>
        reportOf(netns, entries, {
          ruleset: loaded.get(netns)?.at(-1)?.ruleset,
          lostUntil: lostUntil(ends),
          span: spanOf(ends, this.seen),
          isCounted: ends.facts.detail !== 'flows',
        }),
      )
      .filter(({ entries }) => entries > 0);
  }

  private see(at: number): void {
    this.seen.from = Math.min(this.seen.from, at);
    this.seen.to = Math.max(this.seen.to, at);
  }

  private entriesOf(netns: number): RecordedEntries {
    const known = this.byNetns.get(netns);
    if (known !== undefined) return known;
    const place = this.places[netns];
    const addresses = new Set(place?.addresses);
    const entries = new RecordedEntries({
      nameOf: (ifindex) => (ifindex === LOOPBACK ? 'lo' : place?.interfaces[ifindex]),
      hadAddress: (address) => addresses.has(address),
    });
    this.byNetns.set(netns, entries);
    return entries;
  }
}

interface Known {
  /** Undefined: the trace has no rules of that namespace. */
  readonly ruleset: Ruleset | undefined;
  readonly lostUntil: number;
  readonly span: Span;
  /** The trace saw every packet. */
  readonly isCounted: boolean;
}

function reportOf(netns: number, entries: RecordedEntries, known: Known): RecordedReport {
  const { ruleset, lostUntil: until } = known;
  const unknown = { lost: 0, incomplete: 0, noRules: 0 };
  const recorded = new Map<RecordedEntry['entry'], RecordedEntry>();
  let count = 0;
  let hasZones = false;
  for (const one of entries) {
    count++;
    if (one.entry.zones[0] !== 0) hasZones = true;
    if (one.firstAt <= until) unknown.lost++;
    else if (!one.isComplete) unknown.incomplete++;
    else if (ruleset === undefined) unknown.noRules++;
    else recorded.set(one.entry, one);
  }
  const base = { netns, entries: count, hasZones, unknown };
  if (ruleset === undefined) return { ...base, stale: [], expected: 0 };
  const evaluator = new Evaluator(ruleset);
  const { stale, expected } = findStale(recorded.keys(), evaluator, entries.surroundings());
  const dated = stale.map((one) => datedOf(one, recorded.get(one.entry)!, known));
  return { ...base, stale: dated, expected };
}

function datedOf(stale: Stale, recorded: RecordedEntry, { span, isCounted }: Known): RecordedStale {
  const { flow, isOlder, firstAt, entry } = recorded;
  const ageS = isOlder ? null : tenths((span.to - firstAt) / NS);
  const [packets, bytes] = [sumOf(entry.packets), sumOf(entry.bytes)];
  const seconds = (span.to - span.from) / NS;
  // conntrack's own numbers: none of older entries, and none where it does not account
  const isKnown = (isCounted || (!isOlder && packets > 0)) && seconds > 0;
  const dated = { ...entry, ageS, ...(isKnown ? {} : { packets: null, bytes: null }) };
  const rate = isKnown
    ? { packetsPerS: tenths(packets / seconds), bytesPerS: tenths(bytes / seconds) }
    : null;
  return { ...stale, entry: dated, flow, isOlder, rate };
}

function sumOf(both: readonly [number, number] | null): number {
  return both === null ? 0 : both[0] + both[1];
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10;
}

function spanOf({ facts, times }: TraceEnds, seen: Span): Span {
  const wall = (ktime: string): number => Number(BigInt(ktime) + BigInt(facts.clockOffsetNs));
  const { startedKtimeNs = null, endedKtimeNs = null } = times ?? {};
  return {
    from: startedKtimeNs === null ? seen.from : wall(startedKtimeNs),
    to: endedKtimeNs === null ? seen.to : wall(endedKtimeNs),
  };
}
