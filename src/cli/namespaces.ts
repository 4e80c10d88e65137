/** Namespaces that a command looks at one by one. */
import { parsePacketTerms } from '../capture/packet-terms.ts';
import { netnsNames, netnsPath, ownNetns } from '../kernel/netns.ts';

/** `name`: of `ip netns`; `path`: to enter it by, undefined for our own. */
export interface Namespace {
  readonly netns: number;
  readonly name: string | undefined;
  readonly path: string | undefined;
}

/** Those of --netns, or our own and all of `ip netns`. */
export function chosenNamespaces(wanted: string | undefined): Namespace[] {
  const own = ownNetns();
  const names = netnsNames();
  const inodes =
    wanted === undefined
      ? [own, ...Object.keys(names).map(Number)]
      : parsePacketTerms({ netns: wanted }).netns;
  const isEntered = (inode: number): boolean =>
    wanted !== undefined || inode === own || names[inode] !== 'init';
  return [...new Set(inodes)].filter(isEntered).map((netns) => ({
    netns,
    name: names[netns] === 'init' ? undefined : names[netns],
    path: netns === own ? undefined : netnsPath(netns),
  }));
}

export function titleOf({ netns, name, path }: Namespace): string {
  return name ?? (path === undefined ? 'this namespace' : `namespace ${netns}`);
}
