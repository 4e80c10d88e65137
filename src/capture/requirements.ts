/** What a trace needs of the kernel before anything is loaded. */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { VMLINUX_BTF } from '../kernel/read-btf.ts';
import { isAtLeast, kernelRelease } from '../kernel/release.ts';
import type { Symbols } from '../kernel/symbols.ts';
import { readSysctl } from '../kernel/sysctl.ts';
import { TraceError } from '../model/error.ts';

/** Has a file for the kernel and one for each module. */
const BTF_FOLDER = dirname(VMLINUX_BTF);

/** Entries of the map of flows, about 80 bytes each. */
const LEAST_FLOWS = 1 << 17;
const MOST_FLOWS = 1 << 21;

/** What no plan can make up for; libbpf would say ESRCH, or nothing at all. */
export function checkKernel(): void {
  const release = kernelRelease();
  if (!isAtLeast(release, 5, 10)) {
    throw new TraceError('unsupported', `kernel ${release.text}, needed 5.10 or newer`, {
      hint: 'conntrail lab has newer ones to try',
    });
  }
  if (!existsSync(VMLINUX_BTF)) {
    throw new TraceError('unsupported', `no ${VMLINUX_BTF}: this kernel carries no BTF`, {
      hint: 'boot a kernel built with CONFIG_DEBUG_INFO_BTF=y',
    });
  }
}

/** fentry finds a function by BTF: that of its module, or of a kernel that has it built in. */
export function hasFunctionBtf(symbols: Symbols, folder = BTF_FOLDER): boolean {
  return missingBtf(symbols, folder) === undefined;
}

/** Where nothing but fentry will do; libbpf would say ESRCH alone. */
export function checkFunctionBtf(symbols: Symbols, folder = BTF_FOLDER): void {
  const missing = missingBtf(symbols, folder);
  if (missing === undefined) return;
  const why = "this kernel's modules carry no BTF";
  throw new TraceError('unsupported', `no ${missing}, which fentry needs: ${why}`, {
    hint: '--backend kprobe',
  });
}

/** A file, of the module whose functions every trace needs. */
function missingBtf(symbols: Symbols, folder: string): string | undefined {
  const module = symbols.functions('__nf_conntrack_confirm')[0]?.module;
  const path = `${folder}/${module}`;
  return module === undefined || existsSync(path) ? undefined : path;
}

/** As many as one namespace may have entries, within reason. */
export function flowEntries(): number {
  const most = Number(readSysctl('net.netfilter.nf_conntrack_max') ?? 0);
  return Math.min(Math.max(most, LEAST_FLOWS), MOST_FLOWS);
}
