/** Whether a rule would come to the mapping that an entry holds. */
import { addressValue } from '../model/address.ts';
import type { Interval, Target } from '../model/ruleset.ts';
import type { Stored } from '../table/mapping.ts';

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
