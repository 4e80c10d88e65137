import { Command } from 'commander';
import type { ExportOptions } from './export-run.ts';
import { tableOption } from './trace-options.ts';

export function exportCommand(): Command {
  return new Command('export')
    .description('Turn a capture into the tables that the live trace would have written.')
    .argument('<capture>', 'file made by record --out FILE.capture')
    .requiredOption(
      '--out <place>',
      'dataset folder, FILE.parquet, FILE.arrow, or - for an Arrow stream',
    )
    .addOption(tableOption())
    .option('-q, --quiet', 'no progress and no summary on stderr')
    .addHelpText('after', HELP)
    .action(async (path: string, options: ExportOptions) => {
      const { exportCapture } = await import('./export-run.ts');
      await exportCapture(path, options);
    });
}

const HELP = `
Exit status: 0 done, 1 failed, 2 wrong usage, 3 finished with losses

Examples:
  $ conntrail export trace.capture --out dataset
  $ conntrail export trace.capture --out flows.parquet --table flows
  $ conntrail export trace.capture --out packets.arrow
  $ conntrail export trace.capture --out - | wc -c`;
