import { readSystemText } from './system-text.ts';

/** The parts of netfilter that matter here, each with a function that only it has. */
const WITNESS = {
  nf_conntrack: 'nf_conntrack_in',
  nf_nat: 'nf_nat_setup_info',
  nf_tables: 'nft_do_chain',
  nft_chain_nat: 'nft_nat_do_chain',
  ip_tables: 'ipt_do_table',
  ip6_tables: 'ip6t_do_table',
} as const;
export type NetfilterModule = keyof typeof WITNESS;

export type Presence = 'loaded' | 'built in' | 'absent';

/** /proc/modules: `nf_nat 61440 2 nft_chain_nat,nft_nat, Live 0xffffffffc0a01000`. */
export function parseModules(text: string): ReadonlySet<string> {
  const names = text.split('\n').flatMap((line) => line.split(' ', 1));
  return new Set(names.filter((name) => name !== ''));
}

/** Empty on a kernel without modules. */
export function loadedModules(): ReadonlySet<string> {
  return parseModules(readSystemText('/proc/modules') ?? '');
}

/** A module that is not loaded but whose functions are there is part of the kernel. */
export function presenceOf(
  name: NetfilterModule,
  loaded: ReadonlySet<string>,
  has: (name: string) => boolean,
): Presence {
  if (loaded.has(name)) return 'loaded';
  return has(WITNESS[name]) ? 'built in' : 'absent';
}

const SETTLES_MS = 2_000;
const LOOK_MS = 2;

/** Resolves when a module that was being loaded is alive, or gone: its init function may fail. */
export async function moduleSettled(name: string): Promise<void> {
  const state = () => readSystemText(`/sys/module/${name}/initstate`)?.trim();
  for (let waited = 0; state() === 'coming' && waited < SETTLES_MS; waited += LOOK_MS) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
