/** Traffic through one redirect, and what is found about its rules. */
import { RuleExplanation } from '../../src/explain/explain-rules.ts';
import type { PacketClasses } from '../../src/explain/packet-classes.ts';
import { contextOf } from '../../src/explain/trace-context.ts';
import type { TraceFacts } from '../../src/model/facts.ts';
import type { Ledger } from '../../src/model/ledger.ts';
import type { Action, Term } from '../../src/model/ruleset.ts';
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
  readonly classes?: PacketClasses;
}

export function explained({
  packets = [],
  flows = [],
  rules,
  ledger = COMPLETE,
  facts,
  classes,
}: Given) {
  const explanation = new RuleExplanation(classes);
  if (packets.length > 0) explanation.addPackets(packetsOf(...packets));
  if (flows.length > 0) explanation.addFlows(flowsOf(...flows));
  explanation.addRules(rulesOf(...rules));
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
