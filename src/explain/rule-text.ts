/** Findings about rules to text: a block for each rule, the answer in its first line. */

import type { CauseFinding, RuleFinding } from './rule-findings.ts';
import { answerOf, clauseOf, plural } from './rule-sentence.ts';

/** More rules that met nothing than this are told in one line. */
const MAX_IDLE = 3;
/** So many blocks are read in half a minute. */
const MAX_BLOCKS = 12;

export interface RuleTextOptions {
  /** All examples, evidence and commands; else those of the first cause. */
  readonly isFull: boolean;
}

export function describeRules(rules: readonly RuleFinding[], options: RuleTextOptions): string {
  const severalNetns = new Set(rules.map(({ netns }) => netns)).size > 1;
  const idle = options.isFull ? [] : rules.filter(isIdle);
  const folded = new Set(idle.length > MAX_IDLE ? idle : []);
  const told = [...rules]
    .filter((rule) => !folded.has(rule))
    .sort((a, b) => urgency(a) - urgency(b));
  const blocks = told.slice(0, MAX_BLOCKS).map((rule) => ruleBlock(rule, severalNetns, options));
  if (told.length > MAX_BLOCKS) blocks.push(restText(told.slice(MAX_BLOCKS)));
  return [...blocks, ...foldedText(folded)].map((block) => `${block}\n`).join('\n');
}

function restText(rest: readonly RuleFinding[]): string {
  const still = rest.filter(({ decided, couldMatch }) => decided.packets === 0 && couldMatch > 0);
  const about = still.length === 0 ? '' : `, ${still.length} of which stood still`;
  return `and ${rest.length} more rules${about}: --json has all of them, --rule <rule> shows one`;
}

function foldedText(folded: ReadonlySet<RuleFinding>): string[] {
  if (folded.size === 0) return [];
  const some = [...folded].slice(0, 2).map(({ name }) => name);
  const rest = `${folded.size} more rules: no such traffic seen, no counter moved`;
  return [`${rest} (${some.join(', ')}, ...); conntrail explain --rule <rule> shows one of them`];
}

/** Nothing to be said but that no packet came. */
function isIdle({ couldMatch, counter, notes }: RuleFinding): boolean {
  const only = notes.length === 1 && notes[0]!.cause === 'no such traffic seen';
  return couldMatch === 0 && only && (counter === null || counter.delta === 0);
}

/** What needs an answer first: counters that disagree, then those that stand still, first what was certainly meant. */
function urgency(rule: RuleFinding): number {
  const { counter, decided, couldMatch, causes, onlyIf } = rule;
  if (counter?.agrees === false || causes[0]?.cause === 'not explained') return 0;
  if (decided.packets > 0) return 3;
  const conditional = onlyIf.reduce((sum, { packets }) => sum + packets, 0);
  if (couldMatch > 0) return couldMatch > conditional ? 1 : 2;
  return isIdle(rule) ? 5 : 4;
}

function ruleBlock(rule: RuleFinding, withNetns: boolean, options: RuleTextOptions): string {
  const where = withNetns ? `${rule.netnsName}: ` : '';
  const lines = [
    `${where}${rule.name}: ${answerOf(rule)}`,
    `  ${rule.text}`,
    ...counterLines(rule),
    ...countLines(rule),
    ...sumLines(rule, options),
    ...rule.notes.flatMap((note) => causeLines(note, options)),
    ...rule.onlyIf
      .slice(0, options.isFull ? Number.POSITIVE_INFINITY : 1)
      .map(
        ({ condition, packets }) =>
          `    of the ${rule.couldMatch} that could match, ${packets} only if ${condition}`,
      ),
  ];
  return lines.join('\n');
}

function counterLines({ counter }: RuleFinding): string[] {
  if (counter === null) return ['  kernel counter: none'];
  const { before, after, delta, agrees, why, seen } = counter;
  const sign = delta < 0 ? '' : '+';
  const verdict = agrees ? 'as the trace saw' : `the trace saw ${seen}; ${why}`;
  return [`  kernel counter: ${before} -> ${after} (${sign}${delta}), ${verdict}`];
}

function countLines({ isNat, counts }: RuleFinding): string[] {
  if (!isNat) return [];
  const { flows, packets, packetsReply, bytes, bytesReply, countedBy } = counts;
  const by = countedBy === 'none' ? ', packets not counted' : `, counted by ${countedBy}`;
  const original = `${plural(packets, 'packet')} (${bytes} bytes)`;
  const reply = `${packetsReply} in reply (${bytesReply} bytes)`;
  return [`  true count: ${plural(flows, 'flow')}, ${original}, ${reply}${by}`];
}

function sumLines(
  { couldMatch, decided, causes, isNat, paths }: RuleFinding,
  options: RuleTextOptions,
): string[] {
  if (couldMatch === 0) return [];
  const verb = isNat ? 'decided by it' : 'matched';
  const flows = decided.packets === 0 ? '' : ` (${plural(decided.flows, 'flow')})`;
  const head = `  could match: ${plural(couldMatch, 'packet')}, ${decided.packets} ${verb}${flows}`;
  const evidence =
    options.isFull && decided.evidence.length > 0
      ? [`      packets ${decided.evidence.join(', ')}; ${decided.examples.join('; ')}`]
      : [];
  const shown = options.isFull ? paths : paths.slice(0, 1);
  const ways = shown.map(({ path, packets }) => {
    const count = paths.length > 1 ? `${packets} ` : '';
    return `    ${count}by way of ${path.join(' > ')}`;
  });
  const rest = causes.flatMap((cause, place) =>
    causeLines(cause, { isFull: options.isFull || place === 0 }),
  );
  return [head, ...ways, ...evidence, ...rest];
}

function nextText(command: string): string {
  const label = /conntrack -D /.test(command) ? 'next, which deletes the entry' : 'next';
  return `${label}: ${command}`;
}

function causeLines(found: CauseFinding, { isFull }: RuleTextOptions): string[] {
  const { examples, evidence, packets, flows } = found;
  const count = packets === null || (packets === 0 && flows === 0) ? '' : `${packets} `;
  const ofFlows = flows > 1 || (flows > 0 && packets === null) ? ` (${plural(flows, 'flow')})` : '';
  const line = `    ${count}${clauseOf(found)}${ofFlows}`;
  if (!isFull) return [line];
  const shown = [
    ...(evidence.length > 0 ? [`packets ${evidence.join(', ')}`] : []),
    ...examples,
  ].join('; ');
  return [line, ...(shown === '' ? [] : [`      ${shown}`]), `      ${nextText(found.next)}`];
}
