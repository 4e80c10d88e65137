/** The JSON of `nft -j -p list ruleset` (libnftables-json(5)) by table. */
import { TraceError } from '../model/error.ts';

export type Json = Readonly<Record<string, unknown>>;

export interface NftChain {
  readonly name: string;
  readonly type?: string;
  readonly hook?: string;
  readonly prio?: number;
  readonly policy?: string;
}

export interface NftRule {
  readonly chain: string;
  readonly handle: number;
  readonly expr: readonly Json[];
}

/** A set or a map; an element of a map is a pair. */
export interface NftSet {
  readonly name: string;
  readonly elem?: readonly unknown[];
  readonly flags?: string | readonly string[];
  readonly timeout?: number;
}

export interface NftTable {
  readonly family: string;
  readonly name: string;
  readonly handle: number;
  /** Its chains are not asked while it is so. */
  readonly isDormant: boolean;
  readonly chains: readonly NftChain[];
  readonly rules: ReadonlyMap<string, readonly NftRule[]>;
  readonly sets: ReadonlyMap<string, NftSet>;
  readonly counters: ReadonlyMap<string, Json>;
  /** Names of sets and maps that rules add to: what is in them changes with the packets. */
  readonly changing: ReadonlySet<string>;
}

/** In the order of the listing, which is that in which they were made. */
export function parseNftJson(json: string): NftTable[] {
  const items = itemsOf(json).flatMap((item) => Object.entries(item) as [string, Json][]);
  const owned = new Map<string, [string, Json][]>();
  for (const [kind, body] of items) {
    const owner = `${body.family} ${kind === 'table' ? body.name : body.table}`;
    const own = owned.get(owner);
    if (own === undefined) owned.set(owner, [[kind, body]]);
    else own.push([kind, body]);
  }
  return [...owned.values()].flatMap((own) => {
    const table = own.find(([kind]) => kind === 'table')?.[1];
    return table === undefined ? [] : [tableOf(table, own)];
  });
}

function itemsOf(json: string): readonly Json[] {
  try {
    return (JSON.parse(json) as { nftables: readonly Json[] }).nftables;
  } catch (cause) {
    throw new TraceError('corrupt', `nft printed ${json.length} bytes that are not JSON`, {
      hint: 'nft -j list ruleset',
      cause,
    });
  }
}

function tableOf(table: Json, items: readonly (readonly [string, Json])[]): NftTable {
  const rules = new Map<string, NftRule[]>();
  for (const rule of kind<NftRule>(items, 'rule')) {
    const own = rules.get(rule.chain);
    if (own === undefined) rules.set(rule.chain, [rule]);
    else own.push(rule);
  }
  return {
    family: String(table.family),
    name: String(table.name),
    handle: Number(table.handle),
    isDormant: words(table.flags).includes('dormant'),
    chains: kind<NftChain>(items, 'chain'),
    rules,
    sets: byName([...kind<NftSet>(items, 'set'), ...kind<NftSet>(items, 'map')]),
    counters: byName(kind<Json & { name: string }>(items, 'counter')),
    changing: new Set([...rules.values()].flat().flatMap(({ expr }) => expr.flatMap(setChangedBy))),
  };
}

function kind<T>(items: readonly (readonly [string, Json])[], name: string): T[] {
  return items.flatMap(([item, body]) => (item === name ? [body as unknown as T] : []));
}

function byName<T extends { readonly name: string }>(items: readonly T[]): Map<string, T> {
  return new Map(items.map((item) => [item.name, item]));
}

/** `add @name { … }`, `update @name { … }`. */
function setChangedBy(statement: Json): string[] {
  const { set, map } = ((statement.set ?? statement.map) as Json | undefined) ?? {};
  const name = set ?? map;
  return typeof name === 'string' ? [name.replace(/^@/, '')] : [];
}

/** Flags are one word or a list of them. */
export function words(flags: unknown): readonly string[] {
  if (flags === undefined || flags === null) return [];
  return Array.isArray(flags) ? flags.map(String) : [String(flags)];
}

/** The only key of an expression or statement, and what it holds; of a plain value "". */
export function formOf(value: unknown): readonly [form: string, body: unknown] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return ['', value];
  return Object.entries(value)[0] ?? ['', null];
}
