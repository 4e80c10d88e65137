/** The life of a flow as lines for a person. */
import { timeText } from '../columns/describe-row.ts';
import type { ChangeOfState, FlowLife, MappingLife, Step } from './flow-steps.ts';

export interface LifeNames {
  readonly netnsName: (inode: number) => string;
  /** `ip nat prerouting handle 4: tcp dport 80 …`; undefined: not in the table. */
  readonly ruleName: (rule: number) => string | undefined;
}

export function describeLife(life: FlowLife, names: LifeNames): string {
  const { flow, protocol, original, reply, zone, morePackets } = life;
  const head = `flow ${flow} in ${names.netnsName(life.netns)}: ${protocol} ${original}, reply ${reply}`;
  const age = life.isOlder ? ', older than the trace: what was decided before was not seen' : '';
  const lines = [
    `first seen ${time(life.firstAt)}, zone ${zone}${age}`,
    ...life.mappings.map((mapping) => mappingLine(mapping, names)),
    ...life.steps.map(stepLine),
    ...(morePackets > 0 ? [`and ${morePackets} more packets`] : []),
    ...life.changes.map(changeLine),
    confirmLine(life),
    life.endedAt === null ? `end: ${life.end}` : `end: ${life.end} ${time(life.endedAt)}`,
    ...(life.isComplete ? [] : ['unknown: records about it were lost']),
  ];
  return `${[head, ...lines].join('\n  ')}\n`;
}

function time(ns: string): string {
  return timeText(BigInt(ns));
}

function mappingLine(mapping: MappingLife, names: LifeNames): string {
  const { manip, decidedBy, rule, before, after } = mapping;
  const name = rule === null ? undefined : names.ruleName(rule);
  const change = before === after ? before : `${before} -> ${after}`;
  const way = mapping.path === null ? '' : `, by way of ${mapping.path.join(' > ')}`;
  return `${manip} ${change}: ${decisionText(decidedBy, name)}${way}`;
}

/** `ruleName`: with the rule's text; undefined: it is not known. */
export function decisionText(decidedBy: string, ruleName: string | undefined): string {
  switch (decidedBy) {
    case 'rule':
      return `decided by ${ruleName ?? 'a rule that was not resolved'}`;
    case 'null mapping':
      return 'null mapping, no rule mapped it';
    case 'older':
      return 'mapped before the trace began';
    case 'none':
      return 'no nat hook looked at it';
    default:
      return decidedBy;
  }
}

function stepLine(step: Step): string {
  const way = step.hooks.map(({ hook, chains, rewritten }) => {
    const notes = [...(chains ? ['nat chains'] : []), ...(rewritten ? ['rewritten'] : [])];
    return notes.length === 0 ? hook : `${hook} (${notes.join(', ')})`;
  });
  const tuple = step.before === step.after ? step.before : `${step.before} => ${step.after}`;
  const notes = [
    step.state,
    ...(step.confirm === 'none' ? [] : [`confirm ${step.confirm}`]),
    ...(step.verdict === 'accept' ? [] : [step.verdict]),
    ...(step.drop === '' ? [] : [step.drop]),
    ...(step.isComplete ? [] : ['torn']),
  ];
  const what = `packet ${step.packet} ${step.direction}`;
  return `${time(step.at)} ${what} ${tuple} | ${way.join(' > ')} | ${notes.join(', ')}`;
}

/** `state: 01:02:03.000004 syn_sent -> syn_recv, unreplied -> replied (packet 2, reply, 210 us)`. */
function changeLine({ at, change, packet, direction, sinceFirstNs }: ChangeOfState): string {
  const by = packet === null ? direction : `packet ${packet}, ${direction}`;
  return `state: ${time(at)} ${change} (${by}, ${BigInt(sinceFirstNs) / 1000n} us)`;
}

function confirmLine({ confirm, confirmedAt }: FlowLife): string {
  return confirmedAt === null ? `confirm: ${confirm}` : `confirm: ${confirm} ${time(confirmedAt)}`;
}
