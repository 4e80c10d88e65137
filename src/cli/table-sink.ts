/** Where chosen entries go: lines, columns for people, JSON lines, or an Arrow or Parquet file. */

import type { ConntrackSocket } from '../libbpf/conntrack-socket.ts';
import { ENTRY_WORDS, type EntryRows, LineForm } from '../model/entry-row.ts';
import { saveLine } from '../table/show-save.ts';
import { entryColumns, HEAD, NEWS_HEAD, newsColumn, type Surroundings } from './table-columns.ts';
import type { OutputForm } from './table-form.ts';
import { hintLabels, type TablePlace } from './table-place.ts';
import type { TracedTable } from './table-traced.ts';
import { writeOut } from './write-out.ts';

export interface EntrySink {
  /** Rows of the socket's last call, or of a list of our own. */
  write(rows: EntryRows, chosen: Uint32Array): Promise<void>;
  close(): Promise<void>;
  /** Gives up: what was written to a file goes. */
  abort(): Promise<void>;
}

/** Closes the sink after the work, or gives it up with what went wrong. */
export async function withSink(sink: EntrySink, work: () => Promise<void>): Promise<void> {
  try {
    await work();
    await sink.close();
  } catch (error) {
    await sink.abort();
    throw error;
  }
}

export interface SinkContext extends Surroundings {
  readonly socket: ConntrackSocket;
  readonly place: TablePlace;
  /** With labels and helpers in `save`, which conntrack leaves out. */
  readonly isWhole?: boolean;
  /** A recorded trace, for what it knows of each entry. */
  readonly trace?: TracedTable | undefined;
}

export function nowNs(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}

export const done = async (): Promise<void> => undefined;

export async function openSink(
  { shape, form }: OutputForm,
  context: SinkContext,
  out?: string,
): Promise<EntrySink> {
  if (form & LineForm.labels && (shape === 'lines' || shape === 'xml')) hintLabels();
  switch (shape) {
    case 'lines':
      return {
        write: (rows, chosen) => writeLines(context.socket, rows, chosen, form),
        close: done,
        abort: done,
      };
    case 'xml':
      return xmlSink(context.socket, form);
    case 'save':
      return saveSink(context.isWhole ?? false);
    case 'columns':
      return columnSink(context, (form & LineForm.news) !== 0);
    case 'json':
    case 'arrow': {
      // Arrow takes longer to load than thousands of lines to write
      const { arrowSink, jsonSink } = await import('./table-batches.ts');
      return shape === 'json' ? jsonSink(context) : arrowSink(context, out ?? '-');
    }
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
    abort: done,
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
    abort: done,
  };
}

async function columnSink(context: SinkContext, isNews: boolean): Promise<EntrySink> {
  const { trace } = context;
  await writeOut(`${isNews ? NEWS_HEAD : HEAD}\n`);
  return {
    write: async (rows, chosen) => {
      const now = nowNs();
      const lines: string[] = [];
      for (const row of chosen) {
        const at = row * ENTRY_WORDS;
        const news = isNews ? newsColumn(rows.words, at) : '';
        lines.push(`${news}${entryColumns(rows, at, now, context)}`);
        if (trace !== undefined) lines.push(trace.lineOf(rows, at));
      }
      if (lines.length > 0) await writeOut(`${lines.join('\n')}\n`);
    },
    close: done,
    abort: done,
  };
}
