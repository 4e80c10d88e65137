/**
 * Every script of the kernel's netfilter tests, of whatever version: how long it
 * may take where the processor is emulated, or why it is not run.
 */

interface Run {
  readonly seconds: number;
  /** By kernel: why it does not pass there though nothing is traced. */
  readonly otherwise?: Readonly<Record<string, string>>;
}
interface NotRun {
  readonly notRun: string;
}

const quick: Run = { seconds: 150 };
const long: Run = { seconds: 1200 };

const SETS = 'matches of nft sets alone: no conntrack in it';

export const SELFTESTS: Readonly<Record<string, Run | NotRun>> = {
  'br_netfilter.sh': quick,
  'br_netfilter_queue.sh': quick,
  'bridge_brouter.sh': quick,
  'conntrack_clash.sh': long,
  'conntrack_dump_flush.sh': quick,
  'conntrack_icmp_related.sh': quick,
  'conntrack_ipip_mtu.sh': quick,
  'conntrack_resize.sh': long,
  'conntrack_reverse_clash.sh': quick,
  'conntrack_sctp_collision.sh': quick,
  'conntrack_tcp_unreplied.sh': quick,
  'conntrack_vrf.sh': quick,
  'ipip-conntrack-mtu.sh': quick,
  'ipvs.sh': quick,
  'nf_conntrack_packetdrill.sh': { notRun: 'needs packetdrill' },
  'nf_nat_edemux.sh': quick,
  'nft_audit.sh': { notRun: 'audit messages of changed rules: no packet in it' },
  'nft_concat_range.sh': { notRun: SETS },
  'nft_concat_range_perf.sh': { notRun: SETS },
  'nft_conntrack_helper.sh': quick,
  'nft_fib.sh': quick,
  'nft_fib_nexthop.sh': quick,
  'nft_flowtable.sh': long,
  'nft_interface_stress.sh': { notRun: 'rules of devices that come and go: no conntrack in it' },
  'nft_meta.sh': quick,
  'nft_nat.sh': long,
  'nft_nat_zones.sh': long,
  'nft_offload.sh': { notRun: 'needs netdevsim, which the small kernels do not have' },
  'nft_queue.sh': long,
  'nft_synproxy.sh': quick,
  'nft_tproxy_tcp.sh': quick,
  'nft_tproxy_udp.sh': quick,
  'nft_trans_stress.sh': long,
  'nft_zones_many.sh': {
    notRun: '20,000 starts of conntrack(8) in 6.1, 500 later: not yet tried where it is emulated',
  },
  'rpath.sh': { notRun: 'the reverse path filter alone: no conntrack in it' },
  'vxlan_mtu_frag.sh': quick,
  'xt_string.sh': { notRun: 'searches in packets alone: no conntrack in it' },
};

function runOf(name: string): Run | undefined {
  const row = SELFTESTS[name];
  return row !== undefined && 'seconds' in row ? row : undefined;
}

/** All that are run, or those of them that `CONNTRAIL_SELFTESTS` names, with commas. */
export function namesToRun(
  scripts: readonly string[],
  asked = process.env.CONNTRAIL_SELFTESTS,
): string[] {
  const wanted = asked ? asked.split(',') : scripts;
  return scripts.filter((name) => wanted.includes(name) && runOf(name) !== undefined);
}

export const secondsOf = (name: string): number => runOf(name)!.seconds;

/** Why it does not pass on that kernel, traced or not. */
export const reasonOf = (name: string, kernel: string): string | undefined =>
  runOf(name)?.otherwise?.[kernel];
