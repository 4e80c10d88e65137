import { readFileSync } from 'node:fs';
import { fileError, TraceError } from '../model/error.ts';
import { Btf } from './btf.ts';
import { elfSection, isElf } from './elf.ts';

export const VMLINUX_BTF = '/sys/kernel/btf/vmlinux';

/**
 * The types of the running kernel, of one of its modules (with vmlinux's as
 * `base`), or of a compiled eBPF object.
 */
export function readBtf(path: string = VMLINUX_BTF, base?: Btf): Btf {
  const bytes = readWhole(path);
  const section = isElf(bytes) ? elfSection(bytes, '.BTF') : bytes;
  if (section === undefined) {
    throw new TraceError('corrupt', `${path} has no .BTF section`, { hint: 'compile it with -g' });
  }
  return Btf.parse(section, base);
}

function readWhole(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    if (path !== VMLINUX_BTF) throw fileError('read', path, cause);
    throw new TraceError('unsupported', `read ${path}: this kernel carries no BTF`, {
      hint: 'boot a kernel built with CONFIG_DEBUG_INFO_BTF=y',
      cause,
    });
  }
}

/** The names of `enum skb_drop_reason`, without the prefix, by number. */
export function dropReasonNames(btf: Btf): ReadonlyMap<number, string> {
  const values = btf.enumValues('skb_drop_reason') ?? [];
  return new Map(
    values.map(({ name, value }) => [Number(value), name.replace(/^SKB_DROP_REASON_|^SKB_/, '')]),
  );
}
