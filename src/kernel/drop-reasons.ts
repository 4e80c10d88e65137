import { existsSync } from 'node:fs';
import { dropReasonNames, readBtf, VMLINUX_BTF } from './read-btf.ts';

/** enum skb_drop_reason of this kernel by number, for a trace's facts; empty where it has none. */
export function dropReasons(path = VMLINUX_BTF): Readonly<Record<string, string>> {
  return existsSync(path) ? Object.fromEntries(dropReasonNames(readBtf(path))) : {};
}
