/** What a trace must know of a namespace to hold its packets against rules. */
import type { NetnsPlace } from '../model/facts.ts';
import { netnsPaths } from './netns.ts';
import { runTool } from './tool.ts';

/** Each costs a process: of a node with more, the others' names stay unknown. */
const MOST_NAMESPACES = 64;

interface Link {
  readonly ifindex: number;
  readonly ifname: string;
  readonly addr_info?: readonly { readonly local?: string }[];
}

/** By inode; a namespace that cannot be asked is not in it. */
export function netnsPlaces(): Readonly<Record<string, NetnsPlace>> {
  const places: Record<string, NetnsPlace> = {};
  for (const [index, [inode, path]] of [...netnsPaths()].slice(0, MOST_NAMESPACES).entries()) {
    try {
      places[inode] = parseLinks(runTool('ip', ['-j', 'addr'], index === 0 ? undefined : path));
    } catch {
      // gone by now, or no ip here: its interfaces are told by number
    }
  }
  return places;
}

/** `links`: of `ip -j addr`, which prints nothing for an empty list. */
function parseLinks(links: string): NetnsPlace {
  const found = links.trim() === '' ? [] : (JSON.parse(links) as readonly Link[]);
  return {
    interfaces: Object.fromEntries(found.map(({ ifindex, ifname }) => [ifindex, ifname])),
    addresses: found.flatMap(({ addr_info: list }) =>
      (list ?? []).flatMap(({ local }) => local ?? []),
    ),
  };
}
