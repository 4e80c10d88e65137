/** What is around the entries of one namespace: addresses, and interfaces by its routes. */
import type { Surroundings, Ways } from '../explain/stale.ts';
import { findRoute, readLocalAddresses } from '../kernel/local-addresses.ts';
import type { Entry } from '../model/entry.ts';

/** Questions to `ip route get` per namespace: each starts a process. */
const QUESTIONS = 400;

export function readSurroundings(netns?: string): Surroundings {
  const addresses = readLocalAddresses(netns);
  const known = new Map<string, ReturnType<typeof findRoute>>();
  const route = (to: string, from?: { address: string; dev: string }) => {
    const key = `${to} ${from?.address} ${from?.dev}`;
    if (known.has(key)) return known.get(key);
    if (known.size >= QUESTIONS) return undefined;
    const found = findRoute(to, from, netns);
    known.set(key, found);
    return found;
  };
  return {
    isLocal: (address) => addresses.isLocal(address),
    addressesOf: (name) => addresses.addressesOf(name),
    waysOf: (entry) => waysOf(entry, addresses.isLocal(entry.original.src), route),
  };
}

/**
 * A neighbour's packets come in by the interface that leads to it; of those from
 * further away this is not certain, as ways back may differ.
 */
function waysOf(
  { original, reply }: Entry,
  isFromHere: boolean,
  route: (to: string, from?: { address: string; dev: string }) => ReturnType<typeof findRoute>,
): Ways {
  const back = isFromHere ? undefined : route(original.src);
  const dev = back === undefined || back.hasGateway ? undefined : back.dev;
  const from = dev === undefined ? undefined : { address: original.src, dev };
  if (from === undefined && !isFromHere) return {};
  const out = route(reply.src, from)?.dev;
  return { ...(dev === undefined ? {} : { in: dev }), ...(out === undefined ? {} : { out }) };
}
