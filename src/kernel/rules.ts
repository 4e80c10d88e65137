/**
 * Reads the NAT rules that are loaded in one network namespace, of all backends,
 * from what nft, iptables-nft-save and iptables-legacy-save print.
 */
import { HOOKS } from '../model/codes.ts';
import type { Chain, Ruleset } from '../model/ruleset.ts';
import { mayBeOfIptables, mergeSaved } from './iptables-nft-rules.ts';
import { readLegacyTables } from './legacy-rules.ts';
import type { ReadLegacyTable } from './legacy-table.ts';
import { netnsPath, ownNetns } from './netns.ts';
import { type NftTable, parseNftJson } from './nft-json.ts';
import { type NftListing, parseListing } from './nft-listing.ts';
import { nftChains } from './nft-rules.ts';
import { hasTool, runTool } from './tool.ts';

interface Read {
  readonly chains: readonly Chain[];
  readonly notes: readonly string[];
}

const SAVE_TOOLS = { ip: 'iptables-nft-save', ip6: 'ip6tables-nft-save' } as const;
const TRIES = 3;

export interface RulesOptions {
  /** Inode of the namespace; absent: our own. */
  readonly netns?: number;
  /** Where it can be entered; absent: it is looked for. */
  readonly path?: string;
  /** Tells where legacy entries are; absent: rules have no offset. */
  readonly readTable?: ReadLegacyTable;
}

/** A tool that is not installed, or listings that do not agree, are notes and no error. */
export function readRuleset({ netns = ownNetns(), path, readTable }: RulesOptions = {}): Ruleset {
  const entered = netns === ownNetns() ? undefined : (path ?? netnsPath(netns));
  const nft = hasTool('nft')
    ? readNft(entered)
    : { chains: [], notes: ['rules of nf_tables were not read: nft is not installed'] };
  const legacy = readLegacyTables(entered, readTable);
  const chains = [...nft.chains, ...legacy.chains];
  return {
    netns,
    readAtNs: String(process.hrtime.bigint()),
    chains: inOrder(chains),
    notes: [...nft.notes, ...legacy.notes, ...orderNotes(chains)],
  };
}

function readNft(netns: string | undefined): Read {
  for (let attempt = 1; ; attempt++) {
    const tables = parseNftJson(runTool('nft', ['-j', '-p', 'list', 'ruleset'], netns));
    if (tables.every(({ chains }) => chains.length === 0)) return { chains: [], notes: [] };
    const listing = parseListing(runTool('nft', ['-s', '-a', 'list', 'ruleset'], netns));
    const read = tables.map((table) => readTableOf(table, listing, netns));
    if (attempt < TRIES && read.some(({ isTorn }) => isTorn)) continue;
    return {
      chains: read.flatMap(({ chains }) => chains),
      notes: read.flatMap(({ notes }) => notes),
    };
  }
}

function readTableOf(
  table: NftTable,
  listing: NftListing,
  netns: string | undefined,
): Read & { isTorn: boolean } {
  const chains = nftChains(table, listing);
  if (chains.length === 0 || !mayBeOfIptables(table)) return { chains, notes: [], isTorn: false };
  const tool = SAVE_TOOLS[table.family as 'ip' | 'ip6'];
  const save = hasTool(tool) ? runTool(tool, ['-c', '-t', 'nat'], netns) : undefined;
  return mergeSaved(chains, table, save);
}

/**
 * Base chains as the kernel asks them, then the others in the order of the
 * listing. Of equal priority, what was registered last is asked first
 * (nf_hook_entries_grow); tables and chains are listed in the order they were made.
 */
function inOrder(chains: readonly Chain[]): Chain[] {
  const bases = chains.filter(({ base }) => base !== undefined).reverse();
  const place = ({ base }: Chain): number => HOOKS.indexOf(base!.hook);
  return [
    ...bases.sort((a, b) => place(a) - place(b) || a.base!.priority - b.base!.priority),
    ...chains.filter(({ base }) => base === undefined),
  ];
}

/** Neither listing tells which of the two was registered first. */
function orderNotes(chains: readonly Chain[]): string[] {
  const places = (isLegacy: boolean): string[] =>
    chains.flatMap(({ backend, family, base }) => {
      if (base === undefined || (backend === 'legacy') !== isLegacy) return [];
      const families = family === 'inet' ? ['ip', 'ip6'] : [family];
      return families.map((name) => `${name} ${base.hook} at priority ${base.priority}`);
    });
  const legacy = new Set(places(true));
  const shared = new Set(places(false).filter((place) => legacy.has(place)));
  return [...shared].map(
    (place) => `${place}: chains of nf_tables and of legacy iptables, their order is not known`,
  );
}
