/** What ctnetlink refuses as a whole. */
import type { ConntrackTable } from '../model/conntrack-tables.ts';
import { errnoName, failure } from './failure.ts';

const HINTS: Readonly<Record<string, string>> = {
  EPERM: 'run as root, or with CAP_NET_ADMIN',
  EACCES: 'run as root, or with CAP_NET_ADMIN',
  EPROTONOSUPPORT: 'modprobe nf_conntrack_netlink',
  EINVAL: 'modprobe nf_conntrack_netlink',
};

/** `status`: a negative errno, or what a call gives. */
export function refuse(operation: string, table: ConntrackTable, status: number): number {
  if (status >= 0) return status;
  throw failure(`${operation} the ${table} table`, -status, (name) => HINTS[name]);
}

const EXPECT_REFUSALS: Readonly<Record<string, string>> = {
  EEXIST: 'there is such an expectation already (EEXIST)',
  EBUSY: 'one that is there would fit the same flows (EBUSY)',
  ENOENT: 'there is no such master entry (ENOENT)',
  EOPNOTSUPP: 'the master entry has no helper (EOPNOTSUPP)',
  EMFILE: 'the helper expects as many as it may (EMFILE)',
  EINVAL: 'the kernel takes no such expectation (EINVAL)',
};

/** What the kernel means by refusing one expectation. */
export function expectRefusalText(errno: number): string {
  const name = errnoName(errno);
  return EXPECT_REFUSALS[name] ?? name;
}
