/** IANA protocol numbers by the names that nft and iptables print (/etc/protocols, xtables_chain_protos). */
const PROTOCOLS: Readonly<Record<string, number>> = {
  icmp: 1,
  igmp: 2,
  ipencap: 4,
  ipip: 4,
  tcp: 6,
  udp: 17,
  dccp: 33,
  ipv6: 41,
  gre: 47,
  esp: 50,
  ah: 51,
  icmpv6: 58,
  'ipv6-icmp': 58,
  ospf: 89,
  pim: 103,
  comp: 108,
  vrrp: 112,
  l2tp: 115,
  sctp: 132,
  mh: 135,
  'ipv6-mh': 135,
  'mobility-header': 135,
  udplite: 136,
  mptcp: 262,
};

/** Of a name or of the number itself, as a decimal; undefined for a name that is not known. */
export function protocolNumber(name: string | number): string | undefined {
  if (/^\d+$/.test(String(name))) return String(name);
  return PROTOCOLS[name]?.toString();
}
