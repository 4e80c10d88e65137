/** Which addresses a namespace answers for, and by which interface it sends. */
import { addressValue } from '../model/address.ts';
import { runTool } from './tool.ts';

export interface LocalAddresses {
  isLocal(address: string): boolean;
  addressesOf(name: string): readonly string[] | undefined;
}

interface Range {
  readonly low: number | bigint;
  readonly high: number | bigint;
}

/** By `ip -j`, in the namespace at the path `netns`, else in our own. */
export function readLocalAddresses(netns?: string): LocalAddresses {
  const tables = ['-4', '-6'].map((family) =>
    runTool('ip', ['-j', family, 'route', 'show', 'table', 'local', 'type', 'local'], netns),
  );
  return localAddresses(runTool('ip', ['-j', 'addr'], netns), tables);
}

/** `links`: of `ip -j addr`; `tables`: of `ip -j route show table local type local`. */
export function localAddresses(links: string, tables: readonly string[]): LocalAddresses {
  const byName = new Map<string, readonly string[]>();
  for (const { ifname, addr_info: list } of rows<Link>(links)) {
    byName.set(
      ifname,
      (list ?? []).flatMap(({ local }) => local ?? []),
    );
  }
  const routes = tables.flatMap((table) => rows<Route>(table));
  const single = new Set([...byName.values()].flat());
  const ranges: Range[] = [];
  for (const { dst } of routes) {
    const range = dst?.includes('/') ? rangeOf(dst) : undefined;
    if (range !== undefined) ranges.push(range);
    else if (dst !== undefined) single.add(dst);
  }
  return {
    isLocal: (address) => single.has(address) || ranges.some((range) => isIn(address, range)),
    addressesOf: (name) => byName.get(name),
  };
}

interface Link {
  readonly ifname: string;
  readonly addr_info?: readonly { readonly local?: string }[];
}

interface Route {
  readonly dst?: string;
  readonly dev?: string;
  readonly gateway?: string;
}

/** `ip -j` prints nothing at all for an empty list. */
function rows<Row>(text: string): readonly Row[] {
  return text.trim() === '' ? [] : (JSON.parse(text) as readonly Row[]);
}

function rangeOf(prefix: string): Range | undefined {
  const [address = '', bits] = prefix.split('/');
  const value = addressValue(address);
  if (value === undefined) return undefined;
  if (typeof value === 'number') return { low: value, high: value + 2 ** (32 - Number(bits)) - 1 };
  return { low: value, high: value + (1n << BigInt(128 - Number(bits))) - 1n };
}

function isIn(address: string, { low, high }: Range): boolean {
  const value = addressValue(address);
  return value !== undefined && typeof value === typeof low && value >= low && value <= high;
}

export interface RouteFound {
  readonly dev: string;
  readonly hasGateway: boolean;
}

/** As `ip route get` finds it for a packet, perhaps one that came in by an interface. */
export function findRoute(
  to: string,
  from: { readonly address: string; readonly dev: string } | undefined,
  netns?: string,
): RouteFound | undefined {
  const source = from === undefined ? [] : ['from', from.address, 'iif', from.dev];
  try {
    const [route] = rows<Route>(runTool('ip', ['-j', 'route', 'get', to, ...source], netns));
    if (route?.dev === undefined) return undefined;
    return { dev: route.dev, hasGateway: route.gateway !== undefined };
  } catch {
    return undefined; // no route: then no interface either
  }
}
