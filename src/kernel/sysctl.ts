import { readSystemText } from './system-text.ts';

/** `readSysctl('net.netfilter.nf_conntrack_acct')`; undefined where this kernel has none. */
export function readSysctl(name: string): string | undefined {
  return readSystemText(`/proc/sys/${name.replaceAll('.', '/')}`);
}
