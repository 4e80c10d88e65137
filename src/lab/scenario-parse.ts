/** From a scenario's YAML to a Scenario, refusing whatever it does not know. */
import { basename } from 'node:path';
import { kubernetesIptables, kubernetesNft, kubernetesServices } from './kubernetes.ts';
import type { Ruleset, RuleTool, Scenario, TopologyName } from './scenario.ts';
import {
  openPlace,
  optional,
  type Place,
  readList,
  readMapping,
  readNumber,
  readText,
  readWord,
} from './scenario-place.ts';
import { readSteps } from './scenario-steps.ts';
import { TOPOLOGIES } from './topology-plan.ts';

const KEYS = [
  'title',
  'why',
  'topology',
  'sysctl',
  'count',
  'count_flows',
  'sniff',
  'rules',
  'before_trace',
  'traffic',
  'expect',
];

const RULE_TOOLS: readonly RuleTool[] = [
  'nft',
  'iptables',
  'ip6tables',
  'iptables-nft',
  'ip6tables-nft',
  'iptables-legacy',
  'ip6tables-legacy',
  'iptables-nft-restore',
  'ip6tables-nft-restore',
  'iptables-legacy-restore',
  'ip6tables-legacy-restore',
];

function readSysctl(place: Place): Record<string, string> {
  const entries = readMapping(place).map(([name, value]) => {
    const text = String(value.value);
    if (!/^-?\d+( -?\d+)*$/.test(text)) throw value.refuse('a number');
    return [name, text] as const;
  });
  return Object.fromEntries(entries);
}

function readRuleset(place: Place): Ruleset {
  const entries = readMapping(place, [...RULE_TOOLS, 'kubernetes']).map(([tool, text]) =>
    tool === 'kubernetes' ? readKubernetes(text) : [tool, readText(text)],
  );
  return Object.fromEntries(entries) as Ruleset;
}

/** `kubernetes: { backend: nft, services: 200, endpoints: 5 }`: as kube-proxy writes them. */
function readKubernetes(place: Place): [RuleTool, string] {
  readMapping(place, ['backend', 'services', 'endpoints']);
  const tools = ['nft', 'iptables-nft-restore', 'iptables-legacy-restore'] as const;
  const tool = readWord(place.at('backend'), tools);
  const services = kubernetesServices(
    readNumber(place.at('services'), 1, 250),
    readNumber(place.at('endpoints'), 1, 250),
  );
  return [tool, tool === 'nft' ? kubernetesNft(services) : kubernetesIptables(services)];
}

/** A mapping from namespaces of the topology to whatever `read` reads. */
function perNamespace<T>(
  place: Place,
  namespaces: readonly string[],
  read: (place: Place) => T,
): Record<string, T> {
  const entries = optional(place, (there) => readMapping(there, namespaces), []);
  return Object.fromEntries(entries.map(([name, below]) => [name, read(below)]));
}

/** The errors name the path, the line, the key, what was found and what was needed. */
export function parseScenario(text: string, path: string): Scenario {
  const root = openPlace(text, path);
  readMapping(root, KEYS);
  const names = Object.keys(TOPOLOGIES) as TopologyName[];
  const topology = readWord(root.at('topology'), names);
  const namespaces = TOPOLOGIES[topology].namespaces;
  const name = (place: Place) => readWord(place, namespaces);
  const expect = optional(root.at('expect'), (place) => Object.fromEntries(readMapping(place)), {});
  return {
    name: basename(path).replace(/\.ya?ml$/, ''),
    title: readText(root.at('title')),
    why: readText(root.at('why')),
    topology,
    sysctl: perNamespace(root.at('sysctl'), namespaces, readSysctl),
    count: optional(root.at('count'), (place) => readList(place).map(name), []),
    countFlows: optional(root.at('count_flows'), (place) => readList(place).map(name), []),
    sniff: optional(root.at('sniff'), (place) => readList(place).map(name), []),
    rules: perNamespace(root.at('rules'), namespaces, readRuleset),
    beforeTrace: optional(root.at('before_trace'), (place) => readSteps(place, namespaces), []),
    traffic: readSteps(root.at('traffic'), namespaces),
    expect: Object.fromEntries(Object.entries(expect).map(([key, place]) => [key, place.value])),
  };
}
