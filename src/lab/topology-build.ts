/** Makes the interfaces of a topology in its namespaces, which are there already. */
import { needTool, runTool } from './tool.ts';
import type { Net } from './topology.ts';
import {
  isPort,
  type LinkEnd,
  type Port,
  type Station,
  stationsOf,
  type TopologyPlan,
} from './topology-plan.ts';

export async function addNetwork(net: Net, plan: TopologyPlan): Promise<void> {
  await loadModules(plan);
  for (const bridge of plan.bridges ?? []) {
    await net.need(bridge.namespace, ['ip', 'link', 'add', bridge.device, 'type', 'bridge']);
  }
  for (const link of plan.links) await addLink(net, link);
  for (const namespace of plan.namespaces) {
    const commands = [...ownCommands(plan, namespace), ...tunnelCommands(plan, namespace)];
    const routes = routeCommands(plan, namespace);
    await runBatch(net, namespace, ['link set lo up', ...commands, ...routes]);
  }
  for (const [end, peer] of bothWays(plan)) {
    if (isPort(end) && !isPort(peer)) await teachBridge(net, end, peer);
  }
}

/** What is built in or missing shows itself when it is used. */
async function loadModules(plan: TopologyPlan): Promise<void> {
  const needed = [
    ...(plan.bridges ? ['bridge', 'br_netfilter'] : []),
    ...(plan.vlans ? ['8021q'] : []),
    ...(plan.vxlans ? ['vxlan'] : []),
  ];
  if (needed.length > 0) await runTool(['modprobe', '-a', ...needed]);
}

async function addLink(net: Net, [a, b]: readonly [LinkEnd, LinkEnd]): Promise<void> {
  const names = [a, b].map((end) => net.namespaces[end.namespace]?.name ?? '');
  const first = ['ip', 'link', 'add', a.device, 'netns', names[0] ?? '', 'type', 'veth'];
  await needTool([...first, 'peer', 'name', b.device, 'netns', names[1] ?? '']);
}

function bothWays(plan: TopologyPlan): (readonly [LinkEnd, LinkEnd])[] {
  return plan.links.flatMap(([a, b]) => [[a, b] as const, [b, a] as const]);
}

/** The namespace's ends of links, and its bridges. */
function ownCommands(plan: TopologyPlan, namespace: string): string[] {
  const ends = [...(plan.bridges ?? []), ...plan.links.flat()];
  const own = ends.filter((end) => end.namespace === namespace);
  return own.flatMap((end) => (isPort(end) ? portCommands(end) : stationCommands(end)));
}

function portCommands({ device, bridge, hairpin }: Port): string[] {
  const mode = hairpin ? [`link set ${device} type bridge_slave hairpin on`] : [];
  return [`link set ${device} master ${bridge}`, ...mode, `link set ${device} up`];
}

function stationCommands({ device, mac, ipv4, ipv6 }: Station): string[] {
  return [
    `link set ${device} address ${mac}`,
    `addr add ${ipv4}/24 dev ${device}`,
    `addr add ${ipv6}/64 dev ${device} nodad`,
    `link set ${device} up`,
  ];
}

/** Interfaces on top of others. */
function tunnelCommands(plan: TopologyPlan, namespace: string): string[] {
  const isHere = (station: Station) => station.namespace === namespace;
  return [
    ...(plan.vlans ?? [])
      .filter(isHere)
      .flatMap((vlan) => [
        `link add link ${vlan.on} name ${vlan.device} type vlan id ${vlan.id}`,
        ...stationCommands(vlan),
      ]),
    ...(plan.vxlans ?? []).filter(isHere).flatMap((vxlan) => {
      const ends = `local ${vxlan.local} remote ${vxlan.remote}`;
      return [
        `link add ${vxlan.device} type vxlan id ${vxlan.id} ${ends} dstport 4789`,
        ...stationCommands(vxlan),
      ];
    }),
  ];
}

/** All who share a prefix know each other's address: no ARP or neighbour discovery among the packets. */
function routeCommands(plan: TopologyPlan, namespace: string): string[] {
  const stations = stationsOf(plan);
  const own = stations.filter((station) => station.namespace === namespace);
  return own.flatMap((station) => [
    ...stations
      .filter((other) => areNeighbours(station, other))
      .flatMap((other) => [
        `neigh replace ${other.ipv4} lladdr ${other.mac} dev ${station.device} nud permanent`,
        `neigh replace ${other.ipv6} lladdr ${other.mac} dev ${station.device} nud permanent`,
      ]),
    ...(station.gateway
      ? [
          `route add default via ${station.gateway.ipv4}`,
          `-6 route add default via ${station.gateway.ipv6}`,
        ]
      : []),
  ]);
}

function areNeighbours(a: Station, b: Station): boolean {
  const prefix = (station: Station) => station.ipv4.replace(/\d+$/, '');
  return a !== b && prefix(a) === prefix(b);
}

/** A bridge that knows where everybody is floods nothing. */
async function teachBridge(net: Net, { namespace, device }: Port, { mac }: Station): Promise<void> {
  await net.need(namespace, ['bridge', 'fdb', 'replace', mac, 'dev', device, 'master', 'static']);
}

/** `ip -batch` takes no options on its lines: the IPv6 ones are a batch of their own. */
async function runBatch(net: Net, namespace: string, commands: readonly string[]): Promise<void> {
  const six = commands.filter((line) => line.startsWith('-6 ')).map((line) => line.slice(3));
  const others = commands.filter((line) => !line.startsWith('-6 '));
  if (others.length > 0) {
    await net.need(namespace, ['ip', '-batch', '-'], { input: `${others.join('\n')}\n` });
  }
  if (six.length > 0) {
    await net.need(namespace, ['ip', '-6', '-batch', '-'], { input: `${six.join('\n')}\n` });
  }
}
