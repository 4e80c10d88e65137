/** Traffic through one redirect, and what is found about its rules. */
import { RuleExplanation } from '../../src/explain/explain-rules.ts';
import { contextOf } from '../../src/explain/trace-context.ts';
import type { TraceFacts } from '../../src/model/facts.ts';
import type { Ledger } from '../../src/model/ledger.ts';
import type { Action, Term } from '../../src/model/ruleset.ts';
import type { RulesChange } from '../../src/rebuild/decided-rules.ts';
import { FACTS, type Row } from '../export/fixtures.ts';
import { flowsOf, packet, packetsOf, rule, rulesOf } from './rows.ts';

export const COMPLETE: Ledger = { rows: [], lossWindow: null, conntrackStats: null };
export const PLAIN: TraceFacts = {
  ...FACTS,
  sample: 1,
  filter: '',
  netnsNames: { '4001': 'router', '4002': 'other' },
};

export interface Given {
  readonly packets?: Row[];
  readonly flows?: Row[];
  readonly rules: Row[];
  readonly ledger?: Ledger | null;
  readonly facts?: Partial<TraceFacts>;
  readonly maxTuples?: number;
  /** When rules changed, where that is told while packets come; else by their rows, first. */
  readonly changes?: readonly RulesChange[];
}

export function explained({
  packets = [],
  flows = [],
  rules,
  ledger = COMPLETE,
  facts,
  maxTuples,
  changes,
}: Given) {
  const explanation = new RuleExplanation(maxTuples);
  if (changes === undefined) explanation.addRules(rulesOf(...rules));
  else explanation.periods.follow(changes, PLAIN.clockOffsetNs);
  if (packets.length > 0) explanation.addPackets(packetsOf(...packets));
  if (flows.length > 0) explanation.addFlows(flowsOf(...flows));
  if (changes !== undefined) explanation.addRules(rulesOf(...rules));
  return explanation.findings(contextOf({ ...PLAIN, ...facts }, ledger));
}

export const DPORT: Term = { fields: ['dst_port'], any: [[['2222', '2222']]] };
export const REDIRECT: Action = {
  does: 'nat',
  kind: 'redirect',
  manip: 'dst',
  addresses: null,
  ports: [['9999', '9999']],
};
export const MASQUERADE: Action = {
  does: 'nat',
  kind: 'masquerade',
  manip: 'src',
  addresses: null,
  ports: null,
};
export const redirect = (number = 1, given: Row = {}): Row =>
  rule(number, { terms: [DPORT], actions: [REDIRECT] }, given);
export const POSTROUTING = { chain: 'postrouting', hook: 'postrouting', priority: '100' };
export const masquerade = (number = 1, given: Row = {}): Row =>
  rule(number, { actions: [MASQUERADE] }, { ...POSTROUTING, ...given });

export const NEW = { flow: 7n, direction: 'original', state: 'new', dst_nat: 'rule' };
export const LATER = { flow: 7n, direction: 'original', state: 'established', dst_nat: 'mapping' };
export const REPLY = { flow: 7n, direction: 'reply', state: 'established', src_nat: 'mapping' };
export const FIRST = packet(1n, 'prerouting chains rewritten > input', NEW);
export const BY_RULE = { dst_rule: 1 };
