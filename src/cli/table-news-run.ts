/** What `conntrail table events` does; table-events.ts says how it is called. */
import { byteAt, ENTRY_WORDS, type EntryRows, LineForm, News } from '../model/entry-row.ts';
import { type EntryFilter, entryFilter } from '../table/filter-words.ts';
import { Exit, endWith } from './exit.ts';
import { onStopSignal } from './stop-signals.ts';
import { describeNews, FollowedTable } from './table-followed.ts';
import { type OutputWords, outputForm } from './table-form.ts';
import { around } from './table-list-run.ts';
import { entryWords } from './table-options.ts';
import {
  labelNames,
  switchCommand,
  type TablePlace,
  tablePlace,
  tableSysctl,
} from './table-place.ts';
import { type EntrySink, openSink, withSink } from './table-sink.ts';

export interface NewsOptions extends OutputWords {
  readonly netns?: string;
  readonly news?: number;
  readonly bufferSize: number;
  readonly duration?: number;
  readonly count?: number;
}

const ALL = 7;
const WAIT_MS = 1000;

export async function followTable(options: NewsOptions): Promise<void> {
  const filter = entryFilter(entryWords({ ...options }), labelNames());
  const wanted = outputForm(options, process.stdout.isTTY === true);
  const place = tablePlace(options.netns);
  const chosen = new Chosen(filter, options);
  const followed = FollowedTable.open(place.path, options.bufferSize);
  const setting = warnIfSilent(place, NOT_TOLD);
  const form = {
    ...wanted,
    form: wanted.form | LineForm.news | (wanted.isTimed ? LineForm.clock : 0),
  };
  try {
    const context = { socket: followed.socket, place, ...around(place, form) };
    const sink = await openSink(form, context, options.out);
    await withSink(sink, () =>
      follow(followed, chosen, sink, { ...options, isAuto: setting === '2' }),
    );
  } finally {
    await followed.close();
  }
  process.stderr.write(`${describeNews(followed.ledger, chosen.shown)}\n`);
  if (followed.ledger.overruns > 0) endWith(Exit.losses);
}

const NOT_TOLD = 'entries that were made while nobody listened';

/** By nf_conntrack_events, which is given back: 0 no news, 1 of all, 2 of what is made while somebody listens. */
export function warnIfSilent(place: TablePlace, untold: string): string | undefined {
  const setting = tableSysctl(place, 'nf_conntrack_events');
  if (setting === '0' || setting === '2') {
    const hint = switchCommand(place, ['nf_conntrack_events']);
    const what = setting === '0' ? 'entries made now' : untold;
    process.stderr.write(
      `conntrail: nf_conntrack_events is ${setting}: no news of ${what}\n  try: ${hint}\n`,
    );
  }
  return setting;
}

/** Which rows are shown, and how many still. */
class Chosen {
  left: number;
  /** By what they tell; kinds that were not asked for are not in it. */
  readonly shown = new Map<number, number>();
  private readonly filter: EntryFilter;
  private readonly mask: number;

  constructor(filter: EntryFilter, { news = ALL, count = Infinity }: NewsOptions) {
    this.filter = filter;
    this.mask = news;
    this.left = count;
    for (const kind of [News.new, News.update, News.destroy]) {
      if (news & (1 << (kind - News.new))) this.shown.set(kind, 0);
    }
  }

  of({ words }: EntryRows, told: readonly number[]): Uint32Array {
    const isWanted = (row: number): boolean => {
      const bit = 1 << (byteAt(words, row * ENTRY_WORDS, 3) - News.new);
      return (this.mask & bit) !== 0 && this.filter.matches(words, row * ENTRY_WORDS);
    };
    const chosen = told.filter(isWanted).slice(0, this.left);
    this.left -= chosen.length;
    for (const row of chosen) {
      const kind = byteAt(words, row * ENTRY_WORDS, 3);
      this.shown.set(kind, (this.shown.get(kind) ?? 0) + 1);
    }
    return Uint32Array.from(chosen);
  }
}

async function follow(
  followed: FollowedTable,
  chosen: Chosen,
  sink: EntrySink,
  { duration = Infinity, isAuto }: NewsOptions & { readonly isAuto: boolean },
): Promise<void> {
  const endMs = performance.now() + duration;
  let isStopping = false;
  const forget = onStopSignal(() => {
    isStopping = true;
    followed.socket.wake();
  });
  try {
    followed.begin(isAuto);
    while (!isStopping && chosen.left > 0) {
      const leftMs = endMs - performance.now();
      if (leftMs <= 0) return;
      for await (const { rows, told } of followed.next(Math.ceil(Math.min(leftMs, WAIT_MS)))) {
        await sink.write(rows, chosen.of(rows, told));
      }
    }
  } finally {
    forget();
  }
}
