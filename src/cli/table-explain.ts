import { Command } from 'commander';

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
    .action(async (lines: string[], options: TableExplainOptions) => {
      const { explainLines } = await import('./table-explain-run.ts');
      await explainLines(lines, options);
    });
}

const HELP = `
What can be pasted: conntrack -L and -E with any -o (extended, id, timestamp, labels,
xml, save), conntrack -L expect, conntrack -S, /proc/net/nf_conntrack,
/proc/net/nf_conntrack_expect, /proc/net/stat/nf_conntrack, and lines of the kernel log
as "nf_ct_proto_6: invalid tcp flag combination". A line that is none of these is named.

Exit status: 0 done, 1 failed or a line was not known, 2 wrong usage

Examples:
  $ conntrack -L | conntrail table explain
  $ conntrack -S | conntrail table explain
  $ conntrack -E -o timestamp | conntrail table explain
  $ dmesg | grep nf_ct | conntrail table explain -
  $ conntrail table explain udp 17 29 src=10.0.0.2 dst=10.0.1.1 sport=5000 dport=53 [UNREPLIED] src=10.0.1.1 dst=10.0.0.2 sport=53 dport=5000
  $ conntrail table explain --json "nf_conntrack: table full, dropping packet"`;
