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

type Given = StaleFlags &
  TraceOptions & { readonly from?: string; readonly rule?: string; readonly flow?: string };

/** What would be ignored in silence, and what could delete other entries than the listed ones. */
export function refuseStaleOptions(options: Given): void {
  const { stale = false, from, netns: _, ...rest } = options;
  const own = (['delete', 'yes'] as const).filter((name) => options[name] !== undefined);
  if (!stale && own.length > 0) {
    throw new TraceError('usage', `found --${own.join(', --')} without --stale, needed both`, {
      hint: 'conntrail explain --stale',
    });
  }
  if (!stale) return;
  if (from !== undefined && own.length > 0) {
    const found = `found --${own.join(', --')} with --from, needed one of them`;
    throw new TraceError('usage', `${found}: the table of now may be another than the trace's`, {
      hint: 'the commands that the list prints, after a look at each',
    });
  }
  const selectors = (['rule', 'flow'] as const).filter((name) => options[name] !== undefined);
  const others = [...selectors, ...givenLiveOptions(rest)];
  if (others.length === 0) return;
  const found = `found --stale with --${others.join(', --')}`;
  throw new TraceError('usage', `${found}, needed one of them`, {
    hint: 'conntrail explain --stale --netns router',
  });
}
