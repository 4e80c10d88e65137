/** Settings of a scenario's namespaces. */
import type { Net } from './topology.ts';
import type { TopologyPlan } from './topology-plan.ts';

/** Sets sysctls in a namespace, given as `net.ipv4.ip_forward` and value. */
export async function writeSysctls(net: Net, namespace: string, values: Record<string, string>) {
  const lines = Object.entries(values).map(
    ([name, value]) => `echo ${value} > /proc/sys/${name.replaceAll('.', '/')}`,
  );
  if (lines.length > 0) await net.need(namespace, ['sh', '-ec', lines.join('\n')]);
}

/** No router solicitation, no duplicate detection: addresses are usable at once. */
export function quietSysctls(plan: TopologyPlan, namespace: string): Record<string, string> {
  const routes = plan.routers.includes(namespace) ? '1' : '0';
  return {
    'net.ipv4.ip_forward': routes,
    'net.ipv6.conf.all.forwarding': routes,
    'net.ipv6.conf.default.accept_dad': '0',
    'net.ipv6.conf.default.router_solicitations': '0',
    'net.netfilter.nf_conntrack_acct': '0',
  };
}
