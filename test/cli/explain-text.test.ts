import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EXPLAIN_VERSION, explainedJson, explainedText } from '../../src/cli/explain-text.ts';
import { Account } from '../../src/explain/account.ts';
import { NO_FINDINGS } from '../../src/explain/explain-rules.ts';
import { findingsOf } from '../../src/explain/findings.ts';
import { FlowLives } from '../../src/explain/flow-life.ts';
import { RULE_CAUSES, RULE_NOTES } from '../../src/explain/rule-account.ts';
import {
  BY_RULE,
  COMPLETE,
  explained,
  FIRST,
  LATER,
  REPLY,
  redirect,
} from '../explain/redirected.ts';
import { flow, flowsOf, packet, packetsOf } from '../explain/rows.ts';
import { type Schema, schemaErrors } from '../explain/schema-check.ts';

const path = new URL('../../docs/explain.schema.json', import.meta.url);
const SCHEMA = JSON.parse(readFileSync(path, 'utf8')) as Schema;

const PACKETS = [
  FIRST,
  packet(2n, 'prerouting rewritten > input', LATER),
  packet(3n, 'output > postrouting rewritten', { ...REPLY, verdict: 'drop' }),
];
const counted = { packets_before: 4n, packets_after: 5n };

function all(hasRules = true) {
  const account = new Account();
  account.addPackets(packetsOf(...PACKETS));
  account.addFlows(flowsOf(flow(7n, BY_RULE)));
  account.finish();
  const lives = new FlowLives('7');
  lives.addPackets(packetsOf(...PACKETS));
  lives.addFlows(flowsOf(flow(7n, BY_RULE)));
  const rules = [redirect(1, counted), redirect(2, { hook: null, removed_at: 77n })];
  const byRule = explained({ packets: PACKETS, flows: [flow(7n, BY_RULE)], rules });
  return {
    findings: findingsOf(account, COMPLETE, () => 'router'),
    flows: account.flows.size,
    byRule: hasRules ? byRule : NO_FINDINGS,
    lives: null,
    netnsName: () => 'router',
    life: lives.finish(),
  };
}

const errors = (text: string): string[] => schemaErrors(SCHEMA, JSON.parse(text));

describe('the JSON of explain', () => {
  it('fits its published schema, with rules, without, of one rule and of one flow', () => {
    expect(errors(explainedJson(all(), { flows: 1 }))).toEqual([]);
    expect(errors(explainedJson(all(false), { flows: 1 }))).toEqual([]);
    const one = explainedJson(all(), { flows: 1, rule: '41' });
    expect(errors(one)).toEqual([]);
    expect((JSON.parse(one) as { rules: unknown[] }).rules).toHaveLength(1);
    const { life } = all();
    expect(errors(explainedJson({ ...all(), lives: life }, { flows: 1 }))).toEqual([]);
  });

  it('is not said to fit where it does not', () => {
    const document = JSON.parse(explainedJson(all(), { flows: 1 })) as Record<string, unknown>;
    const { lost: _, ...less } = document;
    expect(schemaErrors(SCHEMA, less)).toEqual(['$: no lost']);
    expect(schemaErrors(SCHEMA, { ...document, notHeld: -1 })).toEqual(['$.notHeld: below 0']);
    expect(schemaErrors(SCHEMA, { ...document, more: 1 })).toEqual(['$.more: not in the schema']);
    expect(schemaErrors(SCHEMA, { ...document, rules: [{}] }).length).toBeGreaterThan(10);
  });

  it('has every cause in its schema, and its version', () => {
    const { cause } = SCHEMA.$defs as { cause: { properties: { cause: { enum: string[] } } } };
    expect(cause.properties.cause.enum).toEqual([...RULE_CAUSES, ...RULE_NOTES]);
    expect(explainedJson(all(), { flows: 1 })).toContain(`"schemaVersion":"${EXPLAIN_VERSION}"`);
  });
});

describe('the text of explain', () => {
  it('has the rules before the hooks', () => {
    const text = explainedText(all(), { flows: 0 });
    expect(text).toMatch(/^ip nat prerouting handle 41: counter moved by 1: 1 flow decided/);
    expect(text).toContain('\nrouter: 3 packets\n');
  });

  it('says where the trace has no rules', () => {
    expect(explainedText(all(false), { flows: 0 })).toMatch(
      /^the trace has no table of rules: .*\n\nrouter: 3 packets\n/,
    );
  });

  it('is of one rule alone, or of one flow, where that was asked for', () => {
    expect(explainedText(all(), { flows: 9, rule: '41' })).not.toContain('router: 3 packets');
    const { life } = all();
    const text = explainedText({ ...all(), lives: life }, { flows: 9 });
    expect(text).toMatch(/^flow 7 in router: /);
    expect(text).toContain('decided by ip nat prerouting handle 41: rule text 1');
  });
});
