/** Options that say which packets a live trace is about. */
import type { Command } from 'commander';
import type { FilterWords } from '../capture/filter.ts';

const NAMES = [
  'filter',
  'netns',
  'interface',
  'mark',
  'zone',
  'state',
  'hook',
  'direction',
  'newOnly',
] as const satisfies readonly (keyof FilterWords)[];

export function addFilterOptions(command: Command): Command {
  return command
    .option(
      '--filter <expression>',
      'only what matches, as in pcap-filter(7): protocols, hosts and ports ask for whole flows, before or after NAT; anything else for packets as they came',
    )
    .option('--netns <list>', 'only in these namespaces: names, inodes, or pid:N')
    .option('--interface <list>', 'only packets in or out of these: names or indexes')
    .option('--mark <value/mask>', 'only packets with this mark, e.g. 0x10/0xff')
    .option('--zone <list>', 'only entries of these conntrack zones')
    .option('--state <list>', 'only new, established, related, invalid or untracked packets')
    .option('--direction <side>', 'only original or only reply packets')
    .option('--new-only', 'only the packets of a flow before its first reply')
    .option('--hook <list>', 'only packets that passed one of these hooks');
}

export function givenFilterOptions(options: FilterWords): string[] {
  return NAMES.filter((name) => options[name] !== undefined).map((name) =>
    name === 'newOnly' ? 'new-only' : name,
  );
}

export function filterWords(options: FilterWords): FilterWords {
  return Object.fromEntries(NAMES.map((name) => [name, options[name]]));
}
