/** The mapping that an entry holds, and whether a rule would come to the same one. */
import { addressValue } from '../model/address.ts';
import type { Entry } from '../model/entry.ts';
import type { Interval, Manip, Target } from '../model/ruleset.ts';
import { hasPorts } from './asked.ts';

/** One end of a flow before and after the mapping; null: a protocol without a number there. */
export interface Stored {
  readonly manip: Manip;
  readonly before: { readonly address: string; readonly port: number | null };
  readonly after: { readonly address: string; readonly port: number | null };
  /** The kernel changes source ports by itself, where another flow has them: no mapping. */
  readonly isMapped: boolean;
}

/** The reply tuple says what the ends have become (nf_ct_invert_tuple). */
export function storedMapping(entry: Entry, manip: Manip): Stored {
  const { original, reply, protocol } = entry;
  const ports = hasPorts(protocol);
  if (manip === 'src') {
    const before = { address: original.src, port: ports ? original.srcPort : null };
    const after = { address: reply.dst, port: ports ? reply.dstPort : null };
    return { manip, before, after, isMapped: before.address !== after.address };
  }
  const before = { address: original.dst, port: ports ? original.dstPort : null };
  const after = { address: reply.src, port: ports ? reply.srcPort : null };
  const isMapped = before.address !== after.address || before.port !== after.port;
  return { manip, before, after, isMapped };
}

/** What is known of this system's addresses; undefined: not known. */
export interface Addresses {
  isLocal(address: string): boolean | undefined;
  /** Of an interface, by its name. */
  addressesOf?(name: string): readonly string[] | undefined;
}

/** May a rule with this target have made the mapping? No targets: a null mapping. */
export function fits(
  stored: Stored,
  targets: readonly Target[] | null,
  out: string | undefined,
  addresses: Addresses,
): boolean {
  if (targets === null) return !stored.isMapped;
  return targets.some(
    (target) => fitsAddress(stored, target, out, addresses) && fitsPort(stored, target),
  );
}

function fitsAddress(
  { before, after }: Stored,
  { kind, addresses: named }: Target,
  out: string | undefined,
  addresses: Addresses,
): boolean {
  if (named !== null) return named.some((interval) => isWithin(after.address, interval));
  if (kind === 'masquerade') {
    const own = out === undefined || out === 'lo' ? undefined : addresses.addressesOf?.(out);
    return own?.includes(after.address) ?? addresses.isLocal(after.address) !== false;
  }
  if (kind === 'redirect') return addresses.isLocal(after.address) !== false;
  return before.address === after.address;
}

/** Without a range destinations keep their port; sources may lose it to uniqueness. */
function fitsPort({ manip, before, after }: Stored, { ports }: Target): boolean {
  if (after.port === null) return true;
  if (ports === null) return manip === 'src' || before.port === after.port;
  const { port } = after;
  return ports.some(([first, last]) => Number(first) <= port && port <= Number(last));
}

function isWithin(address: string, [first, last]: Interval): boolean {
  const [value, low, high] = [address, first, last].map(addressValue);
  // not to be compared: nothing is claimed
  if (value === undefined || low === undefined || high === undefined) return true;
  return typeof value === typeof low && value >= low && value <= high;
}
