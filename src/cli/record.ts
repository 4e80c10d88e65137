import { Command, Option } from 'commander';
import type { RecordOptions } from './record-run.ts';
import { addTraceOptions, tableOption } from './trace-options.ts';

export function recordCommand(): Command {
  const command = new Command('record')
    .description('Trace live and write the tables, or the raw records, to files.')
    .addOption(
      new Option(
        '--out <place>',
        'dataset folder, FILE.parquet, FILE.arrow, FILE.capture, or - for an Arrow stream; may be given more than once',
      )
        .argParser((place: string, places: string[] = []) => [...places, place])
        .makeOptionMandatory(),
    )
    .addOption(tableOption());
  return addTraceOptions(command)
    .option(
      '--states',
      'with --detail flows: changes of state, too, by a probe that each packet meets',
    )
    .option('--ready-file <file>', 'made when the probes are in place')
    .option('-q, --quiet', 'no progress and no summary on stderr')
    .addHelpText('after', HELP)
    .action(async (options: RecordOptions) => {
      const { record } = await import('./record-run.ts');
      await record(options);
    });
}

const HELP = `
Exit status: 0 done, 1 failed, 2 wrong usage, 3 finished with losses

Examples:
  $ conntrail record --duration 5s --out trace
  $ conntrail record --duration 5s --out trace --filter 'udp and port 53'
  $ conntrail record --duration 5s --out trace --filter 'tcp[tcpflags] & tcp-syn != 0'
  $ conntrail record --duration 5s --out trace --netns init --state new,invalid
  $ conntrail record --duration 5s --out trace --detail flows --states
  $ conntrail record --duration 5s --out trace.capture --buffer 16MiB
  $ conntrail record --duration 5s --out - | wc -c`;
