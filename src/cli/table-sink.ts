/** Where chosen entries go: lines, columns for people, JSON lines, or an Arrow or Parquet file. */

import { hostname } from 'node:os';
import { BatchBuilder } from '../columns/batch.ts';
import { BatchView } from '../columns/batch-view.ts';
import { openOneTable } from '../export/output.ts';
import type { ConntrackSocket } from '../libbpf/conntrack-socket.ts';
import { ENTRIES } from '../model/entries-table.ts';
import { ENTRY_WORDS, type EntryRows } from '../model/entry-row.ts';
import { EntryTableRows } from '../table/entry-table-row.ts';
import { saveLine } from '../table/show-save.ts';
import { type IsLocal, natAt } from '../table/show-text.ts';
import { entryColumns, HEAD } from './table-columns.ts';
import type { OutputForm } from './table-form.ts';
import type { TablePlace } from './table-place.ts';
import { jsonLine } from './watch-run.ts';

export interface EntrySink {
  /** Rows of the socket's last call, or of a list of our own. */
  write(rows: EntryRows, chosen: Uint32Array): Promise<void>;
  close(): Promise<void>;
}

export interface SinkContext {
  readonly socket: ConntrackSocket;
  readonly place: TablePlace;
  readonly isLocal: IsLocal;
  /** With labels and helpers in `save`, which conntrack leaves out. */
  readonly isWhole?: boolean;
}

/** Resolves when the bytes may be used again. */
export function writeOut(bytes: Uint8Array | string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}

export function nowNs(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}

const done = async (): Promise<void> => undefined;

export async function openSink(
  { shape, form }: OutputForm,
  context: SinkContext,
  out?: string,
): Promise<EntrySink> {
  switch (shape) {
    case 'lines':
      return {
        write: (rows, chosen) => writeLines(context.socket, rows, chosen, form),
        close: done,
      };
    case 'xml':
      return xmlSink(context.socket, form);
    case 'save':
      return saveSink(context.isWhole ?? false);
    case 'columns':
      return columnSink(context);
    case 'json':
      return jsonSink(context);
    case 'arrow':
      return arrowSink(context, out ?? '-');
  }
}

async function writeLines(
  socket: ConntrackSocket,
  rows: EntryRows,
  chosen: Uint32Array,
  form: number,
): Promise<void> {
  for (const bytes of socket.lines(chosen, form, rows)) await writeOut(bytes);
}

async function xmlSink(socket: ConntrackSocket, form: number): Promise<EntrySink> {
  await writeOut('<?xml version="1.0" encoding="utf-8"?>\n<conntrack>\n');
  return {
    write: (rows, chosen) => writeLines(socket, rows, chosen, form),
    close: () => writeOut('</conntrack>\n'),
  };
}

function saveSink(isWhole: boolean): EntrySink {
  return {
    write: async ({ words, bytes }, chosen) => {
      const lines: string[] = [];
      for (const row of chosen) lines.push(saveLine(words, bytes, row * ENTRY_WORDS, isWhole));
      if (lines.length > 0) await writeOut(`${lines.join('\n')}\n`);
    },
    close: done,
  };
}

async function columnSink({ isLocal }: SinkContext): Promise<EntrySink> {
  await writeOut(`${HEAD}\n`);
  return {
    write: async (rows, chosen) => {
      const now = nowNs();
      const lines: string[] = [];
      for (const row of chosen) lines.push(entryColumns(rows, row * ENTRY_WORDS, now, isLocal));
      if (lines.length > 0) await writeOut(`${lines.join('\n')}\n`);
    },
    close: done,
  };
}

const BATCH_ROWS = 4096;

/** In tables of up to BATCH_ROWS rows. */
function* tables(place: TablePlace, rows: EntryRows, chosen: Uint32Array) {
  for (let from = 0; from < chosen.length; from += BATCH_ROWS) {
    const some = chosen.subarray(from, from + BATCH_ROWS);
    const table = new EntryTableRows(place.netns, some.length);
    const now = nowNs();
    for (const row of some) table.add(rows, row * ENTRY_WORDS, now);
    const { names, buffer } = table;
    const builder = new BatchBuilder(ENTRIES, { clockOffsetNs: 0n, names: names.names });
    yield { some, batch: builder.batch(buffer.words, buffer.length) };
  }
}

function jsonSink({ place, isLocal }: SinkContext): EntrySink {
  return {
    write: async (rows, chosen) => {
      for (const { some, batch } of tables(place, rows, chosen)) {
        const view = new BatchView(batch, ENTRIES);
        const lines: string[] = [];
        some.forEach((row, index) => {
          const nat = natAt(rows, row * ENTRY_WORDS, isLocal);
          lines.push(jsonLine({ ...view.row(index), nat: nat === '' ? null : nat }));
        });
        await writeOut(`${lines.join('\n')}\n`);
      }
    },
    close: done,
  };
}

async function arrowSink({ place }: SinkContext, out: string): Promise<EntrySink> {
  const output = await openOneTable(out, ENTRIES, hostname());
  return {
    write: async (rows, chosen) => {
      for (const { batch } of tables(place, rows, chosen)) await output.write('entries', batch);
    },
    close: async () => {
      await output.close({});
    },
  };
}
