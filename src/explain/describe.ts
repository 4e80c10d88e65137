/** Findings to text: what a person reads to learn why a nat counter stays. */
import type { Skip } from './counts.ts';
import {
  type Findings,
  type FlowFinding,
  type HookFinding,
  type NetnsFinding,
  packetsOf,
  type SkipFinding,
} from './findings.ts';

/** What a cause says of several packets: verb first. */
const CLAUSE: Readonly<
  Record<Skip, readonly [verb: 'are' | 'belong' | 'had' | 'were', rest: string]>
> = {
  'reply direction': [
    'are',
    'in reply direction: they follow the stored mapping, no rule is evaluated',
  ],
  'flow already mapped': [
    'belong',
    'to a flow already mapped: decided at its first packet, the stored mapping is used since',
  ],
  'flow older than the trace': [
    'belong',
    'to a flow older than the trace: decided before, a rule added since never sees it',
  ],
  'no nat chain here': ['had', 'no nat chain to ask at this hook'],
  untracked: ['are', 'untracked: without an entry there is no NAT'],
  invalid: ['are', 'invalid: conntrack gave no entry, so there is no NAT'],
  'not seen by conntrack': ['were', 'not seen by conntrack, so there is no NAT'],
  'dropped before the nat chains': ['were', 'dropped before the nat chains'],
  unknown: ['are', 'of unknown cause: records that would tell were lost'],
};
const SINGULAR = { are: 'is', belong: 'belongs', had: 'had', were: 'was' } as const;

const NOTHING_SEEN =
  'no packet was seen: none came, the filter matched none, or no hook has a function to run';

/** `all`: flows of the trace, where the findings do not tell of each. */
export function describeFindings(
  findings: Findings,
  maxFlows: number,
  all = findings.flows.length,
): string {
  const parts = [
    ...lossText(findings),
    ...(findings.namespaces.length === 0 ? [NOTHING_SEEN] : []),
    ...findings.namespaces.map((netns) => netnsText(netns)),
    ...flowsText(findings.flows.slice(0, maxFlows), all),
  ];
  return `${parts.join('\n\n')}\n`;
}

function lossText({ lost, lossWindow }: Findings): string[] {
  if (lost === 0) return [];
  if (lost === null) return ['unknown: the trace was cut short; counts are what was seen'];
  const when =
    lossWindow === null ? '' : ` from ${lossWindow.fromNs} to ${lossWindow.toNs} ns since boot`;
  return [`unknown: ${lost} records were lost${when}; counts are what was seen`];
}

function netnsText(netns: NetnsFinding): string {
  const torn = netns.torn === 0 ? '' : `, ${netns.torn} of them torn`;
  const lines = netns.hooks.flatMap((hook) => [
    hookSentence(hook),
    ...causeLines(hook),
    ...dropLines(hook),
  ]);
  return [`${netns.name}: ${plural(netns.packets, 'packet')}${torn}`, ...lines].join('\n  ');
}

/** Why the nat counters of a hook moved or did not, in one sentence with the numbers. */
function hookSentence({ hook, packets, chainsRan, skipped }: HookFinding): string {
  if (hook === 'forward') {
    return `forward: ${plural(packets, 'packet')}, nat has no chain at this hook`;
  }
  if (chainsRan > 0)
    return `${hook}: nat chains ran for ${chainsRan} of ${plural(packets, 'packet')}`;
  const only = skipped.length === 1 ? skipped[0] : undefined;
  if (only === undefined) {
    return `${hook}: no nat counter moved, nat chains ran for none of ${plural(packets, 'packet')}`;
  }
  const all = packets === 1 ? 'its one packet' : `all ${packets} packets`;
  return `${hook}: no nat counter moved, because ${all} ${clause(only)}`;
}

/** The other packets by cause; they and those that ran chains add up to all. */
function causeLines({ hook, chainsRan, skipped }: HookFinding): string[] {
  if (hook === 'forward' || (chainsRan === 0 && skipped.length === 1)) return [];
  return skipped.map((found) => `  ${found.packets} ${clause(found)}`);
}

function dropLines({ dropped }: HookFinding): string[] {
  return dropped.map(({ packets, reason }) => `  ${packets} dropped here: ${reason}`);
}

function clause({ cause, packets }: SkipFinding): string {
  const [verb, rest] = CLAUSE[cause];
  return `${packets === 1 ? SINGULAR[verb] : verb} ${rest}`;
}

function flowsText(flows: readonly FlowFinding[], all: number): string[] {
  if (all === 0) return [];
  const shown = flows.map((flow) => flowSentence(flow));
  const rest = all - shown.length;
  return [[...shown, ...(rest > 0 ? [`and ${plural(rest, 'more flow')}`] : [])].join('\n')];
}

/** What to say of a flow that confirmation did not put into the table. */
const NOT_CONFIRMED: Readonly<Record<string, readonly string[]>> = {
  none: ['It was never confirmed.'],
  refused: ['The kernel refused to put it into its table.'],
  merged: ['It met an equal flow in the table, and its packet went on as one of that flow.'],
};

/** `flow 4 in r, tcp A > B, reply C > D: dst by rule. 11 packets: …` */
function flowSentence(flow: FlowFinding): string {
  const { original, reply } = flow.directions;
  const ran = original.ranChains + reply.ranChains;
  const mapped = original.mapped + reply.mapped;
  const untouched = original.untouched + reply.untouched;
  const where = flow.chainHooks.length === 0 ? '' : ` at ${flow.chainHooks.join(' and ')}`;
  const clauses = [
    `nat chains ran for ${ran}${where}`,
    ...(mapped > 0
      ? [`${mapped} used the stored mapping (${split(original.mapped, reply.mapped)})`]
      : []),
    ...(untouched > 0
      ? [`${untouched} passed unchanged (${split(original.untouched, reply.untouched)})`]
      : []),
  ];
  const dropped = original.dropped + reply.dropped;
  return [
    `flow ${flow.flow} in ${flow.netnsName}: ${flow.protocol} ${flow.original}, reply ${flow.reply};`,
    `${decisionText(flow)}.`,
    `${plural(packetsOf(flow), 'packet')}: ${clauses.join(', ')}${dropped > 0 ? `, ${dropped} dropped` : ''}.`,
    ...(NOT_CONFIRMED[flow.confirm] ?? []),
    ...(flow.isComplete ? [] : ['Records about it were lost.']),
  ].join(' ');
}

function decisionText({ srcNat, dstNat, isOlder }: FlowFinding): string {
  const words = [
    ...(srcNat === 'none' ? [] : [`src ${decidedBy(srcNat)}`]),
    ...(dstNat === 'none' ? [] : [`dst ${decidedBy(dstNat)}`]),
  ];
  const text = words.length === 0 ? 'no NAT' : words.join(', ');
  return isOlder ? `older than the trace, ${text}` : text;
}

function decidedBy(mapping: string): string {
  if (mapping === 'rule') return 'decided by a rule';
  if (mapping === 'older') return 'mapped before the trace began';
  return mapping;
}

function split(original: number, reply: number): string {
  return `${original} original, ${reply} reply`;
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
