import { existsSync } from 'node:fs';
import { objectPath } from '../capture/object.ts';
import type { ProbePlan } from '../capture/plan.ts';
import { planFor } from '../capture/plan-here.ts';
import { hasFunctionBtf } from '../capture/requirements.ts';
import {
  loadedModules,
  type NetfilterModule,
  type Presence,
  presenceOf,
} from '../kernel/modules.ts';
import { type Capability, type Lockdown, lockdown, ownCapabilities } from '../kernel/privileges.ts';
import { VMLINUX_BTF } from '../kernel/read-btf.ts';
import { kernelRelease, type Release } from '../kernel/release.ts';
import { loadSymbols, type Symbols } from '../kernel/symbols.ts';
import { readSysctl } from '../kernel/sysctl.ts';
import { readSystemText } from '../kernel/system-text.ts';
import { hasTool } from '../kernel/tool.ts';
import { TraceError } from '../model/error.ts';
import { type Trial, tryLibrary, tryTracing } from './doctor-trial.ts';

/** What the checks judge: everything read or tried, nothing decided. */
export interface DoctorFacts {
  readonly release: Release;
  readonly hasBtf: boolean;
  readonly capabilities: ReadonlySet<Capability>;
  readonly paranoid: string;
  readonly unprivilegedBpf: string;
  readonly lockdown: Lockdown;
  readonly memlock: string;
  readonly hasAddresses: boolean;
  readonly objectPath: string;
  readonly hasObject: boolean;
  readonly library: Trial;
  readonly tracing: Trial;
  readonly modules: Readonly<Record<'nf_conntrack' | 'nf_nat', Presence>>;
  readonly tools: Readonly<Record<'nft' | 'conntrack', boolean>>;
  readonly plan: ProbePlan | TraceError;
}

export async function gatherFacts(): Promise<DoctorFacts> {
  const release = kernelRelease();
  const symbols = loadSymbols();
  const plan = planOf(symbols);
  const library = await tryLibrary();
  const loaded = loadedModules();
  const presence = (name: NetfilterModule) => presenceOf(name, loaded, (f) => symbols.has(f));
  return {
    release,
    hasBtf: existsSync(VMLINUX_BTF),
    capabilities: ownCapabilities(),
    paranoid: readSysctl('kernel.perf_event_paranoid') ?? 'unknown',
    unprivilegedBpf: readSysctl('kernel.unprivileged_bpf_disabled') ?? 'unknown',
    lockdown: lockdown(),
    memlock: memlockLimit(readSystemText('/proc/self/limits') ?? ''),
    hasAddresses: symbols.hasAddresses,
    objectPath: objectPath('kprobe'),
    hasObject: existsSync(objectPath('kprobe')),
    library,
    tracing: 'error' in library ? library : await tryTracing(symbols),
    modules: { nf_conntrack: presence('nf_conntrack'), nf_nat: presence('nf_nat') },
    tools: { nft: hasTool('nft'), conntrack: hasTool('conntrack') },
    plan,
  };
}

/** `Max locked memory  8388608  8388608  bytes`: the limit in force. */
export function memlockLimit(limits: string): string {
  return /^Max locked memory\s+(\S+)/m.exec(limits)?.[1] ?? 'unknown';
}

function planOf(symbols: Symbols): ProbePlan | TraceError {
  try {
    return planFor(symbols, { detail: 'packets' }, hasFunctionBtf(symbols) ? 'fentry' : 'kprobe');
  } catch (error) {
    if (error instanceof TraceError) return error;
    throw error;
  }
}
