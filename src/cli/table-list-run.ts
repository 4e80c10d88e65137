/** What `conntrail table list` does; table-list.ts says how it is called. */
import { readLocalAddresses } from '../kernel/local-addresses.ts';
import { ConntrackSocket } from '../libbpf/conntrack-socket.ts';
import type { ConntrackTable } from '../model/conntrack-tables.ts';
import { TraceError } from '../model/error.ts';
import { type EntryFilter, entryFilter } from '../table/filter-words.ts';
import type { IsLocal } from '../table/show-text.ts';
import type { Surroundings } from './table-columns.ts';
import { type OutputForm, type OutputWords, outputForm } from './table-form.ts';
import { entryWords } from './table-options.ts';
import {
  hintSwitches,
  labelNames,
  type TablePlace,
  tablePlace,
  tableTimeouts,
} from './table-place.ts';
import { type EntrySink, openSink, withSink } from './table-sink.ts';
import { SortedEntries, type SortKey } from './table-sort.ts';
import type { TracedTable } from './table-traced.ts';

export interface ListOptions extends OutputWords {
  readonly netns?: string;
  readonly sort?: SortKey;
  readonly top?: number;
  readonly from?: string;
}

/** `table`: one that has entries. */
export async function listTable(options: ListOptions, table: ConntrackTable): Promise<void> {
  const { sort, top, out, from } = options;
  const filter = entryFilter(entryWords({ ...options }), labelNames());
  const form = outputForm(options, process.stdout.isTTY === true || from !== undefined);
  if (from !== undefined) refuseLines(form);
  const key = sort ?? (top === undefined ? undefined : 'bytes');
  if (key !== undefined) refuseUnsorted(form);
  const place = tablePlace(options.netns);
  const trace = from === undefined ? undefined : await tracedTable(from, place);
  hintWhatIsOff(place, form, key);
  const socket = ConntrackSocket.open({ netns: place.path, table });
  try {
    const sink = await openSink(form, { socket, place, trace, ...around(place, form) }, out);
    const sorted = key && new SortedEntries(key, top ?? Infinity, trace?.totals);
    await withSink(sink, () =>
      sorted === undefined
        ? listAll(socket, filter, sink)
        : listSorted(socket, filter, sink, sorted),
    );
    trace?.report();
  } finally {
    await socket.close();
  }
}

function refuseUnsorted({ shape }: OutputForm): void {
  if (shape !== 'xml') return;
  throw new TraceError('usage', 'found --sort or --top with xml, needed one of them', {
    hint: 'conntrail table list --sort bytes -o json',
  });
}

/** Those of conntrack(8) have no room for what a trace knows. */
function refuseLines({ shape }: OutputForm): void {
  if (shape === 'columns' || shape === 'json' || shape === 'arrow') return;
  const found = `found --from with ${shape === 'lines' ? 'lines as conntrack writes them' : shape}`;
  throw new TraceError('usage', `${found}, needed columns, json or --out`, {
    hint: 'conntrail table list --from trace -o json',
  });
}

/** Reads no more than is asked for: without a trace nothing of it is loaded. */
async function tracedTable(from: string, { netns }: TablePlace): Promise<TracedTable> {
  const { readTraced } = await import('./table-traced.ts');
  return readTraced(from, netns);
}

/** Of what was asked for; of all columns only to people. */
function hintWhatIsOff(place: TablePlace, { shape }: OutputForm, key: SortKey | undefined): void {
  const isRead = shape === 'columns' && process.stderr.isTTY === true;
  hintSwitches(place, [
    ...(isRead || key === 'bytes' || key === 'packets' ? (['nf_conntrack_acct'] as const) : []),
    ...(isRead || key === 'age' ? (['nf_conntrack_timestamp'] as const) : []),
  ]);
}

/** Asked for only where somebody reads it. */
export function around(place: TablePlace, { shape }: OutputForm): Surroundings {
  if (shape !== 'columns' && shape !== 'json') {
    return { isLocal: () => false, timeouts: new Map(), labels: new Map() };
  }
  return { isLocal: localIn(place), timeouts: tableTimeouts(place), labels: labelNames() };
}

/** Without `ip` no address is known to be ours. */
function localIn({ path }: TablePlace): IsLocal {
  try {
    const local = readLocalAddresses(path);
    return (address) => local.isLocal(address);
  } catch {
    return () => false;
  }
}

/** The rows of the socket's last call that are meant. */
export function chosenOf(socket: ConntrackSocket, filter: EntryFilter): Uint32Array {
  const { words, length } = socket.rows;
  const chosen = new Uint32Array(length);
  let count = 0;
  for (let row = 0; row < length; row++) {
    if (filter.matches(words, socket.rows.at(row))) chosen[count++] = row;
  }
  return chosen.subarray(0, count);
}

async function listAll(
  socket: ConntrackSocket,
  filter: EntryFilter,
  sink: EntrySink,
): Promise<void> {
  socket.list(filter.family);
  for (let isMore = true; isMore; ) {
    isMore = socket.next();
    await sink.write(socket.rows, chosenOf(socket, filter));
  }
}

async function listSorted(
  socket: ConntrackSocket,
  filter: EntryFilter,
  sink: EntrySink,
  sorted: SortedEntries,
): Promise<void> {
  socket.list(filter.family);
  for (let isMore = true; isMore; ) {
    isMore = socket.next();
    for (const row of chosenOf(socket, filter)) {
      sorted.add(socket.rows.words, socket.rows.at(row));
    }
  }
  const { rows, chosen } = sorted.take();
  await sink.write(rows, chosen);
}
