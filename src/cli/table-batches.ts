/** Entries as rows of the table `entries`: JSON lines, Arrow, Parquet. */
import { hostname } from 'node:os';
import { BatchBuilder } from '../columns/batch.ts';
import { BatchView } from '../columns/batch-view.ts';
import { tracedJson, tracedValues } from '../explain/traced-text.ts';
import { openOneTable } from '../export/output.ts';
import { ENTRIES, ENTRIES_ALONE } from '../model/entries-table.ts';
import { ENTRY_WORDS, type EntryRows } from '../model/entry-row.ts';
import { idleAt } from '../table/entry-idle.ts';
import { withOwnNumbers } from '../table/entry-numbers.ts';
import { EntryTableRows } from '../table/entry-table-row.ts';
import { natAt } from '../table/show-text.ts';
import { done, type EntrySink, nowNs, type SinkContext } from './table-sink.ts';
import { jsonLine } from './watch-run.ts';
import { writeOut } from './write-out.ts';

const BATCH_ROWS = 4096;

/** In tables of up to BATCH_ROWS rows; `traced`: what a trace knows of each. */
function* tables({ place, trace }: SinkContext, rows: EntryRows, chosen: Uint32Array) {
  for (let from = 0; from < chosen.length; from += BATCH_ROWS) {
    const some = chosen.subarray(from, from + BATCH_ROWS);
    const table = new EntryTableRows(place.netns, some.length);
    const now = nowNs();
    const traced = trace && Array.from(some, (row) => trace.tell(rows, row * ENTRY_WORDS));
    some.forEach((row, index) => {
      const known = traced?.[index];
      table.add(rows, row * ENTRY_WORDS, now, known && tracedValues(known));
    });
    const { names, buffer } = table;
    const builder = new BatchBuilder(ENTRIES, { clockOffsetNs: 0n, names: names.names });
    yield { some, traced, batch: builder.batch(buffer.words, buffer.length) };
  }
}

export function jsonSink(context: SinkContext): EntrySink {
  const { isLocal, timeouts } = context;
  return {
    write: async (rows, chosen) => {
      for (const { some, traced, batch } of tables(context, rows, chosen)) {
        const view = new BatchView(batch, ENTRIES_ALONE);
        const lines: string[] = [];
        some.forEach((row, index) => {
          const nat = natAt(rows, row * ENTRY_WORDS, isLocal);
          const more = {
            idle_s: idleAt(rows.words, row * ENTRY_WORDS, timeouts, nowNs()),
            nat: nat === '' ? null : nat,
            ...(traced === undefined ? {} : { trace: tracedJson(traced[index]!) }),
          };
          lines.push(jsonLine({ ...withOwnNumbers(view.row(index)), ...more }));
        });
        await writeOut(`${lines.join('\n')}\n`);
      }
    },
    close: done,
    abort: done,
  };
}

export async function arrowSink(context: SinkContext, out: string): Promise<EntrySink> {
  const output = await openOneTable(out, ENTRIES, hostname());
  return {
    write: async (rows, chosen) => {
      for (const { batch } of tables(context, rows, chosen)) await output.write('entries', batch);
    },
    close: async () => {
      await output.close({});
    },
    abort: () => output.abort(),
  };
}
