/** Puts a scenario's rules in force. */
import { addFlowCounters } from './flow-counts.ts';
import { addHookCounters } from './hook-counts.ts';
import type { Ruleset, Scenario } from './scenario.ts';
import type { Net } from './topology.ts';

async function applyRuleset(net: Net, namespace: string, ruleset: Ruleset): Promise<void> {
  for (const [tool, text] of Object.entries(ruleset)) {
    if (tool === 'nft') {
      await net.need(namespace, ['nft', '-f', '-'], { input: text });
      continue;
    }
    if (tool.endsWith('-restore')) {
      await net.need(namespace, [tool, '-w'], { input: text });
      continue;
    }
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    for (const line of lines) await net.need(namespace, ['sh', '-c', `exec ${tool} -w ${line}`]);
  }
}

export async function applyRules(net: Net, scenario: Scenario): Promise<void> {
  for (const namespace of scenario.count) await addHookCounters(net, namespace);
  for (const namespace of scenario.countFlows) await addFlowCounters(net, namespace);
  for (const [namespace, ruleset] of Object.entries(scenario.rules)) {
    await applyRuleset(net, namespace, ruleset);
  }
}
