/** Where a table is: its namespace, what is switched on there, the names of labels. */
import { readdirSync, readFileSync } from 'node:fs';
import { parsePacketTerms } from '../capture/packet-terms.ts';
import { netnsPath, ownNetns } from '../kernel/netns.ts';
import { readSysctl } from '../kernel/sysctl.ts';
import { runTool } from '../kernel/tool.ts';
import { errnoOf, fileError, TraceError } from '../model/error.ts';
import type { Timeouts } from '../table/entry-idle.ts';
import type { LabelNames } from '../table/entry-values.ts';

export interface TablePlace {
  /** Inode. */
  readonly netns: number;
  /** To enter it by; undefined: our own. */
  readonly path: string | undefined;
}

export function tablePlace(wanted: string | undefined): TablePlace {
  const own = ownNetns();
  if (wanted === undefined) return { netns: own, path: undefined };
  const [netns = own, ...more] = parsePacketTerms({ netns: wanted }).netns;
  if (more.length > 0) {
    throw new TraceError('usage', `--netns: found "${wanted}", needed one namespace`, {
      hint: `for example --netns ${wanted.split(',')[0]}`,
    });
  }
  return { netns, path: netns === own ? undefined : netnsPath(netns) };
}

/** net.netfilter.NAME of that namespace; undefined where there is none. */
export function tableSysctl({ path }: TablePlace, name: string): string | undefined {
  if (path === undefined) return readSysctl(`net.netfilter.${name}`);
  try {
    return runTool('cat', [`/proc/sys/net/netfilter/${name}`], path).trim();
  } catch {
    return undefined;
  }
}

const SETTINGS = '/proc/sys/net/netfilter';

/** All timeouts of that namespace; none where they cannot be read. */
export function tableTimeouts({ path }: TablePlace): Timeouts {
  try {
    const names = readdirSync(SETTINGS).filter((name) => name.includes('timeout'));
    const files = names.map((name) => `${SETTINGS}/${name}`);
    const values = runTool('cat', files, path).trim().split('\n');
    return new Map(
      names.map((name, index) => [name.replace('nf_conntrack_', ''), Number(values[index])]),
    );
  } catch {
    return new Map();
  }
}

const LABELS = '/etc/xtables/connlabel.conf';

/** None where there is no such file. */
export function labelNames(path = LABELS): LabelNames {
  try {
    return parseLabels(readFileSync(path, 'utf8'));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return new Map();
    throw fileError('read', path, error);
  }
}

/** Conntrack's lines have labels by their names, and none without. */
export function hintLabels(): void {
  if (labelNames().size > 0) return;
  process.stderr.write(
    `conntrail: labels have no names: ${LABELS} is not there, or has none\n  try: -o columns or -o json, which have their bits\n`,
  );
}

const BIT = /^(0x[\da-f]+(?![\da-f])|0[0-7]*(?![0-7])|[1-9]\d*)(.*)$/i;

/** `bit name` a line, as libnetfilter_conntrack reads it: the first of a name or a bit is the label. */
function parseLabels(text: string): LabelNames {
  const names = new Map<string, number>();
  const bits = new Set<number>();
  for (const line of text.split('\n')) {
    const [, number = '', rest = ''] = BIT.exec(line.trimStart()) ?? [];
    const bit = /^0\d/.test(number) ? Number.parseInt(number, 8) : Number(number);
    const name = rest.trim();
    if (!/^[a-z\d -]+$/i.test(name) || names.has(name) || bits.has(bit)) continue;
    names.set(name, bit);
    bits.add(bit);
  }
  return names;
}

/** What entries made now will not tell, by the settings that would make them. */
const OFF = { nf_conntrack_acct: 'packets and bytes', nf_conntrack_timestamp: 'age' } as const;
export type Switch = keyof typeof OFF;

/** One line on stderr: which of these are off, and the command that switches them on. */
export function hintSwitches(place: TablePlace, names: readonly Switch[]): void {
  const off = names.filter((name) => tableSysctl(place, name) === '0');
  if (off.length === 0) return;
  const missing = off.map((name) => OFF[name]).join(', ');
  process.stderr.write(
    `conntrail: no ${missing} of entries made now: ${switchCommand(place, off)}\n`,
  );
}

/** For that namespace, to be pasted. */
export function switchCommand({ path }: TablePlace, names: readonly string[]): string {
  const settings = names.map((name) => `net.netfilter.${name}=1`);
  return inNetns(path, ['sysctl', '-w', ...settings].join(' '));
}

/** A command of a shell, for the namespace at `path`. */
export function inNetns(path: string | undefined, command: string): string {
  return path === undefined ? command : `nsenter --net=${path} ${command}`;
}
