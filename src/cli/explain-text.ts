/** What `conntrail explain` prints, as text or as one JSON document (docs/explain.schema.json). */
import { describeFindings } from '../explain/describe.ts';
import type { RuleFindings } from '../explain/explain-rules.ts';
import type { Findings } from '../explain/findings.ts';
import type { FlowLife } from '../explain/flow-steps.ts';
import { describeLife } from '../explain/flow-text.ts';
import { selectRule } from '../explain/rule-selector.ts';
import { describeRules } from '../explain/rule-text.ts';

/** Major.minor, as with tables: a new minor version adds fields. */
export const EXPLAIN_VERSION = '1.1';

export interface Explained {
  readonly findings: Findings;
  /** Of the trace: as text not all of them are told. */
  readonly flows: number;
  readonly byRule: RuleFindings;
  /** Of --flow; null where it was not given. */
  readonly lives: readonly FlowLife[] | null;
  readonly netnsName: (inode: number) => string;
}

export interface ShowOptions {
  readonly rule?: string;
  readonly flows: number;
}

/** Throws TraceError where --rule names none. */
export function explainedJson(
  { findings, byRule, lives }: Explained,
  { rule }: ShowOptions,
): string {
  const rules = rule === undefined ? byRule.rules : [selectRule(byRule.rules ?? [], rule)];
  const document = {
    schemaVersion: EXPLAIN_VERSION,
    rules,
    notHeld: byRule.notHeld,
    lives,
    ...findings,
  };
  return `${JSON.stringify(document)}\n`;
}

const NO_RULES =
  'the trace has no table of rules: no NAT rule was loaded, or an older version made it\n\n';

export function explainedText(explained: Explained, options: ShowOptions): string {
  const { findings, byRule, lives } = explained;
  if (lives !== null) return lives.map((life) => lifeText(life, explained)).join('\n');
  if (options.rule !== undefined) {
    return describeRules([selectRule(byRule.rules ?? [], options.rule)], { isFull: true });
  }
  const { rules, notHeld } = byRule;
  const left =
    notHeld === 0
      ? ''
      : `${notHeld} packets were held against no rule: their flow is not known\n\n`;
  const perRule = rules === null ? NO_RULES : `${describeRules(rules, { isFull: false })}\n${left}`;
  return perRule + describeFindings(findings, options.flows, explained.flows);
}

function lifeText(life: FlowLife, { byRule, netnsName }: Explained): string {
  const ruleName = (number: number): string | undefined => {
    const found = byRule.rules?.find(({ rule }) => rule === number);
    return found === undefined ? undefined : `${found.name}: ${found.text}`;
  };
  return describeLife(life, { netnsName, ruleName });
}
