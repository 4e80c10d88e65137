/** Chains of legacy iptables: texts from iptables-legacy-save, places from the kernel's own table. */
import type { Chain } from '../model/ruleset.ts';
import { parseSave, savedChains } from './iptables-save.ts';
import { entryOffsets, type ReadLegacyTable } from './legacy-table.ts';
import { readSystemText } from './system-text.ts';
import { hasTool, runTool } from './tool.ts';

interface Tables {
  readonly chains: readonly Chain[];
  readonly notes: readonly string[];
}

const FAMILIES = [
  { family: 'ip', tool: 'iptables-legacy-save', tables: '/proc/net/ip_tables_names' },
  { family: 'ip6', tool: 'ip6tables-legacy-save', tables: '/proc/net/ip6_tables_names' },
] as const;
const TRIES = 3;

/** Of the namespace at `netns`. Asks only where the kernel has the table: asking creates it. */
export function readLegacyTables(
  netns: string | undefined,
  readTable: ReadLegacyTable | undefined,
): Tables {
  const loaded = loadedTables(netns);
  const read = FAMILIES.map(({ family, tool, tables }): Tables => {
    if (!loaded.get(tables)?.includes('nat')) return { chains: [], notes: [] };
    if (hasTool(tool)) return readFamily(family, tool, netns, readTable);
    return { chains: [], notes: [`legacy ${family} nat rules were not read: no ${tool}`] };
  });
  return {
    chains: read.flatMap(({ chains }) => chains),
    notes: read.flatMap(({ notes }) => notes),
  };
}

/** Names of tables by the file that lists them; only files that the kernel has. */
function loadedTables(netns: string | undefined): Map<string, readonly string[]> {
  const listed = FAMILIES.flatMap(({ tables }) => {
    const text = readSystemText(tables);
    return text === undefined ? [] : [[tables, text.split('\n')] as const];
  });
  if (netns === undefined || listed.length === 0) return new Map(listed);
  const paths = listed.map(([path]) => path);
  const files = runTool('tail', ['-v', '-n', '+1', ...paths], netns).split(/^==> (.*) <==$/m);
  return new Map(
    paths.map((path) => [path, (files[files.indexOf(path) + 1] ?? '').trim().split('\n')]),
  );
}

function readFamily(
  family: 'ip' | 'ip6',
  tool: string,
  netns: string | undefined,
  readTable: ReadLegacyTable | undefined,
): Tables {
  for (let attempt = 1; ; attempt++) {
    const saved = parseSave(runTool(tool, ['-c', '-t', 'nat'], netns));
    const chains = savedChains(saved, { backend: 'legacy', family, tableHandle: 0 });
    if (readTable === undefined) return { chains, notes: saved.notes };
    const placed = withOffsets(chains, entryOffsets(family, readTable(family, 'nat', netns)));
    if (placed !== undefined) return { chains: placed, notes: saved.notes };
    if (attempt < TRIES) continue;
    const note = `legacy ${family} nat rules changed while they were read: their places are not known`;
    return { chains, notes: [...saved.notes, note] };
  }
}

/** Undefined where the two do not have equally many rules: they are of different times. */
export function withOffsets(
  chains: readonly Chain[],
  offsets: ReadonlyMap<string, readonly number[]>,
): Chain[] | undefined {
  const isEqual = chains.every(({ name, rules }) => offsets.get(name)?.length === rules.length);
  if (!isEqual) return undefined;
  return chains.map((chain) => ({
    ...chain,
    rules: chain.rules.map((rule, index) => ({
      ...rule,
      offset: offsets.get(chain.name)![index]!,
    })),
  }));
}
