/**
 * A table of legacy iptables as IPT_SO_GET_INFO and IPT_SO_GET_ENTRIES tell it
 * (uapi/linux/netfilter_ipv4/ip_tables.h, netfilter_ipv6/ip6_tables.h), in the
 * byte order of the machine. Only places are read here: which rule an entry is.
 */
import { endianness } from 'node:os';
import { TraceError } from '../model/error.ts';

export interface LegacyTable {
  /** struct ipt_getinfo, struct ip6t_getinfo. */
  readonly info: Uint8Array;
  /** struct ipt_entry, struct ip6t_entry, one behind the other. */
  readonly entries: Uint8Array;
}

/** Of a namespace by path, else our own; the kernel loads a table that is asked for. */
export type ReadLegacyTable = (family: 'ip' | 'ip6', table: string, netns?: string) => LegacyTable;

const IS_LITTLE = endianness() === 'LE';
const HOOK_CHAINS = ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'];

/** In struct ipt_getinfo, bytes. */
const VALID_HOOKS = 32;
const HOOK_ENTRY = 36;
const UNDERFLOW = 56;

/** Of an entry: its target, and the next entry, from its own beginning; u16 each. */
const TARGET_OFFSET = { ip: 88, ip6: 140 } as const;
const NEXT_OFFSET = { ip: 90, ip6: 142 } as const;

/** In struct xt_entry_target: its name, and in struct xt_error_target that of the chain. */
const TARGET_NAME = 2;
const ERROR_NAME = 32;
const NAME_BYTES = 29;

/** By chain, where the entries of its rules begin, in order: bytes from the table's beginning. */
export function entryOffsets(family: 'ip' | 'ip6', table: LegacyTable): Map<string, number[]> {
  const { chainAt, policies } = baseChains(table.info);
  const view = viewOf(table.entries);
  const offsets = new Map<string, number[]>();
  let chain: number[] | undefined;
  let isUser = false;
  for (let at = 0; at < view.byteLength; ) {
    const next = at + entryBytes(family, view, at);
    const head = next < view.byteLength ? chainHead(family, table.entries, view, at) : '';
    const name = head ?? chainAt.get(at);
    if (name !== undefined) {
      if (isUser) chain?.pop(); // what ends a chain of the user's: its RETURN
      chain = [];
      isUser = head !== undefined;
      if (name !== '') offsets.set(name, chain); // the last entry ends the table
    }
    if (policies.has(at)) chain = undefined;
    else if (head === undefined) chain?.push(at);
    at = next;
  }
  return offsets;
}

/** Where each base chain begins, and where it ends: with its policy. */
function baseChains(info: Uint8Array): { chainAt: Map<number, string>; policies: Set<number> } {
  const view = viewOf(info);
  const valid = view.getUint32(VALID_HOOKS, IS_LITTLE);
  const chainAt = new Map<number, string>();
  const policies = new Set<number>();
  for (const [hook, name] of HOOK_CHAINS.entries()) {
    if ((valid & (1 << hook)) === 0) continue;
    chainAt.set(view.getUint32(HOOK_ENTRY + 4 * hook, IS_LITTLE), name);
    policies.add(view.getUint32(UNDERFLOW + 4 * hook, IS_LITTLE));
  }
  return { chainAt, policies };
}

/** The name that an ERROR target has: that of the chain that begins behind it. */
function chainHead(
  family: 'ip' | 'ip6',
  bytes: Uint8Array,
  view: DataView,
  at: number,
): string | undefined {
  const target = at + view.getUint16(at + TARGET_OFFSET[family], IS_LITTLE);
  if (textAt(bytes, target + TARGET_NAME) !== 'ERROR') return undefined;
  return textAt(bytes, target + ERROR_NAME);
}

function entryBytes(family: 'ip' | 'ip6', view: DataView, at: number): number {
  const field = at + NEXT_OFFSET[family];
  const next = field + 2 <= view.byteLength ? view.getUint16(field, IS_LITTLE) : 0;
  if (next > NEXT_OFFSET[family] && at + next <= view.byteLength) return next;
  throw new TraceError(
    'corrupt',
    `iptables table: entry at ${at} is ${next} bytes long, the table ${view.byteLength}`,
  );
}

function textAt(bytes: Uint8Array, at: number): string {
  const field = bytes.subarray(at, at + NAME_BYTES);
  const end = field.indexOf(0);
  return Buffer.from(field.subarray(0, end < 0 ? NAME_BYTES : end)).toString('latin1');
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
