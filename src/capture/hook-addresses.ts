/**
 * Where conntrack's own hook functions are, so that a probe sees by the
 * functions registered at a hook whether conntrack is at work there.
 */
import type { Symbols } from '../kernel/symbols.ts';
import type { BpfObject } from '../libbpf/index.ts';

export interface HookAddresses {
  /** What begins tracking, by hook number: four of IPv4, four of IPv6; 0 where there is none. */
  readonly conntrack: readonly bigint[];
  readonly hookSlow: AddressRange;
  /** What runs the rest of a hook for a packet that comes out of a queue. */
  readonly reinject: AddressRange;
}

interface AddressRange {
  readonly begin: bigint;
  readonly end: bigint;
}

const NOWHERE: AddressRange = { begin: 0n, end: 0n };

/** At prerouting and output of each family. */
const CONNTRACK = [
  'ipv4_conntrack_in',
  undefined,
  undefined,
  'ipv4_conntrack_local',
  'ipv6_conntrack_in',
  undefined,
  undefined,
  'ipv6_conntrack_local',
];

/** undefined where the kernel hides its addresses. */
export function hookAddresses(symbols: Symbols): HookAddresses | undefined {
  const hookSlow = symbols.rangeOf('nf_hook_slow');
  if (hookSlow === undefined) return undefined;
  const addressOf = (name: string | undefined): bigint =>
    name === undefined ? 0n : (symbols.functions(name)[0]?.address ?? 0n);
  return {
    conntrack: CONNTRACK.map(addressOf),
    hookSlow,
    reinject: symbols.rangeOf('nf_reinject') ?? symbols.rangeOf('nfqnl_reinject') ?? NOWHERE,
  };
}

export function writeAddresses(object: BpfObject, addresses: HookAddresses): void {
  writeSetting(object, 'conntrack_hooks', addresses.conntrack);
  writeSetting(object, 'hook_slow_begin', [addresses.hookSlow.begin]);
  writeSetting(object, 'hook_slow_end', [addresses.hookSlow.end]);
  writeSetting(object, 'reinject_begin', [addresses.reinject.begin]);
  writeSetting(object, 'reinject_end', [addresses.reinject.end]);
}

/** A setting of 64-bit words, as many of them as it has room for. */
export function writeSetting(object: BpfObject, name: string, values: readonly bigint[]): void {
  const setting = object.rodata(name);
  const bytes = new Uint8Array(setting.size);
  new BigUint64Array(bytes.buffer).set(values.slice(0, setting.size / 8));
  setting.write(bytes);
}
