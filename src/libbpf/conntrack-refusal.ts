/** What ctnetlink refuses as a whole. */
import { failure } from './failure.ts';

const HINTS: Readonly<Record<string, string>> = {
  EPERM: 'run as root, or with CAP_NET_ADMIN',
  EACCES: 'run as root, or with CAP_NET_ADMIN',
  EPROTONOSUPPORT: 'modprobe nf_conntrack_netlink',
  EINVAL: 'modprobe nf_conntrack_netlink',
};

export function hintFor(name: string): string | undefined {
  return HINTS[name];
}

/** `status`: a negative errno, or what a call gives. */
export function refuse(operation: string, status: number): number {
  if (status >= 0) return status;
  throw failure(operation, -status, hintFor);
}
