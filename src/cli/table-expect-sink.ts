/** Where expectations go: conntrack's lines or XML, columns for people, JSON lines, Arrow, Parquet. */
import { hostname } from 'node:os';
import type { ConntrackSocket } from '../libbpf/conntrack-socket.ts';
import { protocolName } from '../model/codes.ts';
import { byteAt, ENTRY_WORDS, type EntryRows, LineForm } from '../model/entry-row.ts';
import { TraceError } from '../model/error.ts';
import { ExpectHas, ExpectTuple, ExpectWord } from '../model/expect-row.ts';
import { EXPECTATIONS } from '../model/expectations-table.ts';
import { ExpectTableRows } from '../table/expect-table-row.ts';
import {
  expectFlagsAt,
  expectHelperAt,
  expectNatText,
  expectTupleAt,
  expectZoneAt,
} from '../table/expect-text.ts';
import { spanText } from './table-columns.ts';
import { type OutputForm, type OutputWords, outputForm } from './table-form.ts';
import type { TablePlace } from './table-place.ts';
import { done, type EntrySink, lineSink, nowNs, textSink, xmlSink } from './table-sink.ts';
import { writeOut } from './write-out.ts';

interface ExpectContext {
  readonly socket: ConntrackSocket;
  readonly place: TablePlace;
}

/** As conntrack(8) has it: the time in front also of what is listed, nothing for the other words. */
export function expectForm(words: OutputWords, isTerminal: boolean): OutputForm {
  const form = outputForm(words, isTerminal);
  if (form.shape === 'save') {
    throw new TraceError('usage', '--output: found save, needed a form that expectations have', {
      hint: 'conntrail table list expect -o json',
    });
  }
  return { ...form, form: form.form | (form.isTimed ? LineForm.clock : 0) };
}

export async function openExpectSink(
  { shape, form }: OutputForm,
  context: ExpectContext,
  out?: string,
): Promise<EntrySink> {
  switch (shape) {
    case 'xml':
      return xmlSink(context.socket, form, 'expect');
    case 'columns':
      await writeOut(`${HEAD}\n`);
      return textSink(expectColumns);
    case 'json':
      return jsonSink(context);
    case 'arrow':
      return arrowSink(context, out ?? '-');
    default:
      return lineSink(context.socket, form);
  }
}

async function batches({ place }: ExpectContext) {
  const { BatchBuilder } = await import('../columns/batch.ts');
  return (rows: EntryRows, chosen: Uint32Array) => {
    const table = new ExpectTableRows(place.netns, chosen.length);
    for (const row of chosen) table.add(rows, row * ENTRY_WORDS, nowNs());
    const { names, buffer } = table;
    const builder = new BatchBuilder(EXPECTATIONS, { clockOffsetNs: 0n, names: names.names });
    return builder.batch(buffer.words, buffer.length);
  };
}

async function jsonSink(context: ExpectContext): Promise<EntrySink> {
  const { BatchView } = await import('../columns/batch-view.ts');
  const { jsonLine } = await import('./watch-run.ts');
  const batchOf = await batches(context);
  return {
    write: async (rows, chosen) => {
      if (chosen.length === 0) return;
      const view = new BatchView(batchOf(rows, chosen), EXPECTATIONS);
      const lines = Array.from(chosen, (_, index) => jsonLine(view.row(index)));
      await writeOut(`${lines.join('\n')}\n`);
    },
    close: done,
    abort: done,
  };
}

async function arrowSink(context: ExpectContext, out: string): Promise<EntrySink> {
  const { openOneTable } = await import('../export/output.ts');
  const batchOf = await batches(context);
  const output = await openOneTable(out, EXPECTATIONS, hostname());
  return {
    write: async (rows, chosen) => {
      if (chosen.length > 0) await output.write('expectations', batchOf(rows, chosen));
    },
    close: async () => {
      await output.close({});
    },
    abort: () => output.abort(),
  };
}

const HEAD = columns('protocol', 'ends in', 'helper', 'expected', 'master');

function columns(...texts: readonly string[]): string {
  const widths = [8, 8, 12, 46];
  return texts.map((text, index) => text.padEnd(widths[index] ?? 0)).join(' ');
}

function expectColumns(memory: EntryRows, at: number): string {
  const { words, bytes } = memory;
  const hasTimeout = words[at + ExpectWord.has]! & ExpectHas.timeout;
  const notes = [
    expectTupleAt(memory, at, ExpectTuple.master),
    ...[expectNatText(memory, at), expectFlagsAt(words, at).join(','), expectZoneAt(words, at)],
  ];
  return columns(
    protocolName(byteAt(words, at, 1)),
    hasTimeout ? spanText(words[at + ExpectWord.timeoutS]! >>> 0) : '-',
    expectHelperAt(bytes, at) || '-',
    expectTupleAt(memory, at, ExpectTuple.expected),
    notes.filter((note) => note !== '').join('; '),
  ).trimEnd();
}
