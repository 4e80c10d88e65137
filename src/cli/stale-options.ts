/** Options of `conntrail explain` about stale mappings. */
import type { Command } from 'commander';
import { TraceError } from '../model/error.ts';
import type { StaleOptions } from './stale-run.ts';
import { givenLiveOptions, type TraceOptions } from './trace-options.ts';

export interface StaleFlags extends StaleOptions {
  readonly stale?: boolean;
}

export function addStaleOptions(command: Command): Command {
  return command
    .option('--stale', 'instead: entries whose stored mapping the loaded rules would not give now')
    .option('--delete', 'with --stale: delete those entries, after asking')
    .option('--yes', 'with --delete: do not ask');
}

/** What would be ignored in silence: --delete without --stale, options of a trace with it. */
export function refuseStaleOptions(
  options: StaleFlags & TraceOptions & { readonly from?: string },
): void {
  const { stale = false, netns: _, ...rest } = options;
  const own = (['delete', 'yes'] as const).filter((name) => options[name] !== undefined);
  const others = [...(options.from === undefined ? [] : ['from']), ...givenLiveOptions(rest)];
  if (stale && others.length > 0) {
    throw new TraceError(
      'usage',
      `found --stale with --${others.join(', --')}, needed one of them`,
      {
        hint: 'conntrail explain --stale --netns router',
      },
    );
  }
  if (!stale && own.length > 0) {
    throw new TraceError('usage', `found --${own.join(', --')} without --stale, needed both`, {
      hint: 'conntrail explain --stale',
    });
  }
}
