/** What ctnetlink refuses, as errors and in words. */
import { errnoName, failure } from './failure.ts';

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

const REFUSALS: Readonly<Record<string, string>> = {
  EEXIST: 'there is such an entry already (EEXIST)',
  ENOENT: 'there is no such entry (ENOENT)',
  EINVAL: 'the kernel takes no such entry (EINVAL)',
  EBUSY: 'a status that cannot be taken back, or a helper in use (EBUSY)',
  EOPNOTSUPP: 'not supported by this kernel or for this entry (EOPNOTSUPP)',
  ENOMEM: 'the table is full (ENOMEM)',
};

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

/** What the kernel means by refusing one entry. */
export function refusalText(errno: number): string {
  const name = errnoName(errno);
  return REFUSALS[name] ?? name;
}
