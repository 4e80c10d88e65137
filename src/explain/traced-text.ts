/** What a trace knows of an entry: a line for people, an object of a JSON line, columns. */
import { timeText } from '../columns/describe-row.ts';
import type { TracedValues } from '../table/entry-traced.ts';
import { decisionText } from './flow-text.ts';
import { type RuleRow, ruleName } from './rule-rows.ts';
import { plural } from './rule-sentence.ts';
import type { Traced, TracedFlow, TracedManip } from './traced-entries.ts';

/** `ip nat prerouting handle 4: tcp dport 2222 dnat to 10.0.2.5`; undefined: none, or not known. */
function ruleText({ row }: TracedManip): string | undefined {
  if (row === undefined) return undefined;
  return row.text === '' ? ruleName(row) : `${ruleName(row)}: ${row.text}`;
}

/** `flow 3: dst decided by …; src null mapping, no rule mapped it; 5 packets (700 bytes), …`. */
export function tracedText(traced: Traced): string {
  if (traced.flow === null) return `not known: ${traced.why}`;
  const { flow, isOlder, nat, lastAt } = traced;
  const [dst, src] = [nat.dst, nat.src].map((manip) =>
    decisionText(manip.decidedBy, ruleText(manip)),
  );
  const parts = [
    ...(isOlder ? ['older than the trace'] : []),
    ...(dst === src ? [`dst and src ${dst}`] : [`dst ${dst}`, `src ${src}`]),
    countText(traced),
    ...(lastAt === null ? [] : [`last seen ${timeText(lastAt)}`]),
  ];
  return `flow ${flow}: ${parts.join('; ')}`;
}

function countText({ packets, bytes }: TracedFlow): string {
  if (packets === null || bytes === null) return 'packets not counted';
  const original = `${plural(Number(packets[0]), 'packet')} (${bytes[0]} bytes)`;
  return `${original}, ${packets[1]} in reply (${bytes[1]} bytes)`;
}

export function tracedJson(traced: Traced): Readonly<Record<string, unknown>> {
  if (traced.flow === null) return { ...traced };
  const { flow, isOlder, nat, packets, bytes, lastAt } = traced;
  return {
    ...{ flow, older: isOlder, src_nat: nat.src.decidedBy, dst_nat: nat.dst.decidedBy },
    ...{ src_rule: ruleJson(nat.src), dst_rule: ruleJson(nat.dst) },
    ...{ packets: packets?.[0] ?? null, packets_reply: packets?.[1] ?? null },
    ...{ bytes: bytes?.[0] ?? null, bytes_reply: bytes?.[1] ?? null, last_at: lastAt },
  };
}

/** `rule`: its number in the trace. Without the rest where the trace has no row of it. */
function ruleJson({ rule, row }: TracedManip): Readonly<Record<string, unknown>> | null {
  if (rule === null) return null;
  return { rule, ...(row === undefined ? {} : placeOf(row)) };
}

function placeOf(row: RuleRow) {
  const { backend, family, table, chain, handle, place: number, text } = row;
  return { ...{ backend, family, table, chain, handle, number, text }, name: ruleName(row) };
}

/** By column of the table `entries`. */
export function tracedValues(traced: Traced): TracedValues {
  if (traced.flow === null) return { trace_unknown: traced.why };
  const { flow, isOlder, nat, packets, bytes, lastAt } = traced;
  return {
    ...{ trace_flow: flow, trace_older: isOlder, trace_last_at: lastAt },
    ...{ trace_src_nat: nat.src.decidedBy, trace_dst_nat: nat.dst.decidedBy },
    ...{ trace_src_rule: nat.src.rule, trace_dst_rule: nat.dst.rule },
    trace_src_rule_text: ruleText(nat.src) ?? null,
    trace_dst_rule_text: ruleText(nat.dst) ?? null,
    ...{ trace_packets: packets?.[0] ?? null, trace_packets_reply: packets?.[1] ?? null },
    ...{ trace_bytes: bytes?.[0] ?? null, trace_bytes_reply: bytes?.[1] ?? null },
  };
}
