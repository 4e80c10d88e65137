import { readSystemText } from './system-text.ts';

/** Bit numbers of include/uapi/linux/capability.h. */
const CAPABILITIES = {
  CAP_NET_ADMIN: 12,
  CAP_SYS_ADMIN: 21,
  CAP_PERFMON: 38,
  CAP_BPF: 39,
} as const;
export type Capability = keyof typeof CAPABILITIES;

/** Those of `CapEff:` in /proc/self/status that a trace may need. */
export function parseCapabilities(status: string): ReadonlySet<Capability> {
  const [, digits = '0'] = /^CapEff:\s*([0-9a-f]+)/m.exec(status) ?? [];
  const bits = BigInt(`0x${digits}`);
  const names = Object.keys(CAPABILITIES) as Capability[];
  return new Set(names.filter((name) => (bits >> BigInt(CAPABILITIES[name])) & 1n));
}

export function ownCapabilities(): ReadonlySet<Capability> {
  return parseCapabilities(readSystemText('/proc/self/status') ?? '');
}

export type Lockdown = 'none' | 'integrity' | 'confidentiality';

/** `none [integrity] confidentiality`: the one in brackets is in force. */
export function parseLockdown(text: string): Lockdown {
  const [, word] = /\[(\w+)\]/.exec(text) ?? [];
  return word === 'integrity' || word === 'confidentiality' ? word : 'none';
}

/** A kernel without lockdown locks nothing down. */
export function lockdown(): Lockdown {
  return parseLockdown(readSystemText('/sys/kernel/security/lockdown') ?? '');
}
