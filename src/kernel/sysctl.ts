import { readSystemText } from './system-text.ts';

/** `readSysctl('net.netfilter.nf_conntrack_acct')`; undefined where this kernel has none. */
export function readSysctl(name: string): string | undefined {
  return readSystemText(`/proc/sys/${name.replaceAll('.', '/')}`);
}

/** Those of conntrack that decide what a trace can show, as far as they exist. */
const CONNTRACK_SYSCTLS = [
  'nf_conntrack_acct',
  'nf_conntrack_buckets',
  'nf_conntrack_checksum',
  'nf_conntrack_count',
  'nf_conntrack_log_invalid',
  'nf_conntrack_max',
  'nf_conntrack_tcp_be_liberal',
  'nf_conntrack_tcp_loose',
  'nf_conntrack_timestamp',
] as const;

export function conntrackSysctls(): Readonly<Record<string, string>> {
  return Object.fromEntries(
    CONNTRACK_SYSCTLS.flatMap((name) => {
      const value = readSysctl(`net.netfilter.${name}`);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
