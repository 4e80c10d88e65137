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
      return lineSink(context.socket, form);
    case 'xml':
      return xmlSink(context.socket, form, 'conntrack');
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

/** Lines that the shim writes. */
export function lineSink(socket: ConntrackSocket, form: number): EntrySink {
  return {
    write: async (rows, chosen) => {
      for (const bytes of socket.lines(chosen, form, rows)) await writeOut(bytes);
    },
    close: done,
    abort: done,
  };
}

/** `name`: of the element around all. */
export async function xmlSink(
  socket: ConntrackSocket,
  form: number,
  name: 'conntrack' | 'expect',
): Promise<EntrySink> {
  await writeOut(`<?xml version="1.0" encoding="utf-8"?>\n<${name}>\n`);
  return { ...lineSink(socket, form), close: () => writeOut(`</${name}>\n`) };
}

/** Lines of our own: one of each row, or several with their ends between them. */
export function textSink(lineOf: (rows: EntryRows, at: number) => string): EntrySink {
  return {
    write: async (rows, chosen) => {
      const lines = Array.from(chosen, (row) => `${lineOf(rows, row * ENTRY_WORDS)}\n`);
      if (lines.length > 0) await writeOut(lines.join(''));
    },
    close: done,
    abort: done,
  };
}

function saveSink(isWhole: boolean): EntrySink {
  return textSink(({ words, bytes }, at) => saveLine(words, bytes, at, isWhole));
}

async function columnSink(context: SinkContext, isNews: boolean): Promise<EntrySink> {
  const { trace } = context;
  await writeOut(`${isNews ? NEWS_HEAD : HEAD}\n`);
  return textSink((rows, at) => {
    const news = isNews ? newsColumn(rows.words, at) : '';
    const line = `${news}${entryColumns(rows, at, nowNs(), context)}`;
    return trace === undefined ? line : `${line}\n${trace.lineOf(rows, at)}`;
  });
}
