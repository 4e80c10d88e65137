/** The command to run next, one line, for each cause. */
import { protocolName } from '../model/codes.ts';
import type { PacketTuple } from './packet-tuple.ts';
import type { RuleCause, RuleNote, Whose } from './rule-account.ts';
import type { RuleRow } from './rule-rows.ts';

export interface NextOptions {
  readonly row: RuleRow;
  readonly by: RuleRow | null;
  readonly whose: Whose | undefined;
  /** Words before a command that is to run in a namespace. */
  readonly through: (inode: number) => readonly string[];
}

export function nextCommand(cause: RuleCause | RuleNote, options: NextOptions): string {
  const { row, by, whose, through } = options;
  const within = (netns: number, command: string): string => [...through(netns), command].join(' ');
  const here = (command: string): string => within(row.netns, command);
  const tuple = whose?.tuple;
  switch (cause) {
    case 'flow already mapped':
    case 'reply direction':
      return here(ofEntry('-L', whose));
    case 'flow older than the rule':
      return here(ofEntry('-D', whose));
    case 'earlier rule decided first':
    case 'earlier chain or priority decided first':
    case 'other rules backend decided first':
      return here(listChain(by ?? row));
    case 'counter reset or rules reloaded':
      return here(listChain(row));
    case 'untracked':
      return here(row.backend === 'legacy' ? 'iptables-legacy-save -t raw' : 'nft list ruleset');
    case 'dropped before the nat hook':
      return here(row.backend === 'legacy' ? 'iptables-legacy-save -c' : 'nft list ruleset');
    case 'invalid':
    case 'confirmed nowhere':
      return here('conntrack -S');
    case 'other conntrack zone':
      return here(`conntrack -L --zone ${whose?.flow?.zone ?? 0}`);
    case 'other network namespace':
      return within(whose?.netns ?? row.netns, 'nft -a list ruleset');
    case 'bypassed by a flowtable':
      return here('nft list flowtables');
    case 'unknown':
      return 'conntrail record --buffer 16MiB --duration 60s --out again';
    case 'no such traffic seen':
      return 'conntrail record --everywhere --duration 60s --out again';
    default:
      return tuple === undefined
        ? 'conntrail watch'
        : `conntrail watch --filter '${filterOf(tuple)}'`;
  }
}

/** `command` of conntrack(8) on the entry of somebody's packet. */
function ofEntry(command: '-L' | '-D', whose: Whose | undefined): string {
  if (whose === undefined) return 'conntrack -L';
  const zone = whose.flow?.zone ?? 0;
  return `conntrack ${command} ${conntrackTuple(whose.tuple)}${zone === 0 ? '' : ` --zone ${zone}`}`;
}

const WITH_PORTS: ReadonlySet<number> = new Set([6, 17, 33, 132, 136]);

/** `-p udp -s 10.0.0.2 -d 10.0.0.3 --sport 4789 --dport 4789`, of the original direction. */
function conntrackTuple(tuple: PacketTuple): string {
  const { protocol, src, dst, srcPort, dstPort, family } = tuple;
  const ports = WITH_PORTS.has(protocol) ? ` --sport ${srcPort} --dport ${dstPort}` : '';
  const only = family === 6 ? '-f ipv6 ' : '';
  return `${only}-p ${protocolName(protocol)} -s ${src} -d ${dst}${ports}`;
}

function filterOf({ protocol, src, dst, family }: PacketTuple): string {
  const known = ['tcp', 'udp', 'icmp', 'sctp'].includes(protocolName(protocol));
  const what = known ? protocolName(protocol) : family === 6 ? 'ip6' : 'ip';
  return `${what} and host ${src} and host ${dst}`;
}

/** How the tool that keeps the rule shows its chain, with numbers and counters. */
function listChain({ backend, family, table, chain }: RuleRow): string {
  if (backend === 'nft') return `nft -a list chain ${family} ${table} ${chain}`;
  const tool = `${family === 'ip6' ? 'ip6tables' : 'iptables'}-${backend === 'legacy' ? 'legacy' : 'nft'}`;
  return `${tool} -t ${table} -nvL ${chain} --line-numbers`;
}
