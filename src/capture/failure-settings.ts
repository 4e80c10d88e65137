/** What the probes of failures must know of this kernel. */
import { isAtLeast, kernelRelease } from '../kernel/release.ts';
import type { Symbols } from '../kernel/symbols.ts';
import type { BpfObject } from '../libbpf/index.ts';
import { writeSetting } from './hook-addresses.ts';

export function writeFailureSettings(object: BpfObject, symbols: Symbols, refusals: boolean): void {
  const hasState = isAtLeast(kernelRelease(), 5, 14); // before, it is nf_hook_state in parts
  object.rodata('refusals').write(Uint8Array.of(refusals ? 1 : 0));
  object.rodata('log_has_state').write(Uint8Array.of(hasState ? 1 : 0));
  writeSetting(object, 'conntrack_net_id_at', [symbols.variable('nf_conntrack_net_id')]);
  writeSetting(object, 'conntrack_max_at', [symbols.variable('nf_conntrack_max')]);
}
