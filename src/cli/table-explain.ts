import { Command } from 'commander';
import { isArguments } from '../table/parse-save.ts';
import { Exit } from './exit.ts';

export interface TableExplainOptions {
  readonly json?: boolean;
}

export function tableExplainCommand(): Command {
  return new Command('explain')
    .description(
      'Say what lines of conntrack mean, without root and on any machine: entries, events, expectations, statistics, and the kernel log.',
    )
    .argument('[line...]', 'a line in quotes, or its words; - or nothing: from stdin')
    .option('--json', 'one JSON document: docs/table-explain.schema.json')
    .addHelpText('after', HELP)
    .allowUnknownOption() // a line of -o save is made of options
    .action(async (lines: string[], options: TableExplainOptions, command: Command) => {
      refuseUnknown(command, lines);
      const { explainLines } = await import('./table-explain-run.ts');
      await explainLines(lines, options);
    });
}

/** Options that are no part of a line. */
function refuseUnknown(command: Command, lines: readonly string[]): void {
  if (isArguments(lines[0] === 'conntrack' ? (lines[1] ?? '') : (lines[0] ?? ''))) return;
  const unknown = lines.find((line) => /^-\S+$/.test(line));
  if (unknown === undefined) return;
  command.error(`error: unknown option '${unknown}'`, {
    exitCode: Exit.usage,
    code: 'commander.unknownOption',
  });
}

const HELP = `
What can be pasted: conntrack -L and -E with any -o (extended, id, timestamp, labels,
xml, save), conntrack -L expect, conntrack -S, /proc/net/nf_conntrack,
/proc/net/nf_conntrack_expect, /proc/net/stat/nf_conntrack, conntrail table list -o json,
and lines of the kernel log as "nf_ct_proto_6: invalid tcp flag combination". A line that
is none of these is named, and one that no kernel prints.

Exit status: 0 done, 1 failed or a line was not known, 2 wrong usage

Examples:
  $ conntrack -L | conntrail table explain
  $ conntrack -S | conntrail table explain
  $ conntrack -E -o timestamp | conntrail table explain
  $ dmesg | grep nf_ct | conntrail table explain -
  $ conntrail table explain -A -t 30 -u UNSET -s 10.0.0.2 -d 10.0.1.1 -p udp --sport 5000 --dport 53
  $ conntrail table explain udp 17 29 src=10.0.0.2 dst=10.0.1.1 sport=5000 dport=53 [UNREPLIED] src=10.0.1.1 dst=10.0.0.2 sport=53 dport=5000
  $ conntrail table explain --json "nf_conntrack: table full, dropping packet"`;
