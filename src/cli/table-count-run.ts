/** What `conntrail table count` and `get` do; table-count.ts says how they are called. */
import { ConntrackSocket } from '../libbpf/conntrack-socket.ts';
import { TraceError } from '../model/error.ts';
import { namedRow } from '../table/entry-build.ts';
import { entryFilter } from '../table/filter-words.ts';
import { type OutputWords, outputForm } from './table-form.ts';
import { around, chosenOf } from './table-list-run.ts';
import { entryWords, listCommand } from './table-options.ts';
import { labelNames, tablePlace } from './table-place.ts';
import { openSink, withSink } from './table-sink.ts';
import { writeOut } from './write-out.ts';

interface Options extends OutputWords {
  readonly netns?: string;
}

export async function countTable(options: Options): Promise<void> {
  const filter = entryFilter(entryWords({ ...options }), labelNames());
  const socket = ConntrackSocket.open({ netns: tablePlace(options.netns).path });
  try {
    let count = filter.isAll ? socket.count() : 0;
    if (!filter.isAll) {
      socket.list(filter.family);
      for (let isMore = true; isMore; ) {
        isMore = socket.next();
        count += chosenOf(socket, filter).length;
      }
    }
    await writeOut(`${count}\n`);
  } finally {
    await socket.close();
  }
}

export async function getEntry(options: Options): Promise<void> {
  const words = entryWords({ ...options });
  const row = namedRow(words);
  const form = outputForm(options, process.stdout.isTTY === true);
  const place = tablePlace(options.netns);
  const socket = ConntrackSocket.open({ netns: place.path });
  try {
    socket.rows.words.set(row);
    if (!socket.get()) {
      throw new TraceError('missing', 'found no such entry in the conntrack table', {
        hint: listCommand({ protonum: words.protonum ?? '' }, options.netns),
      });
    }
    const sink = await openSink(form, { socket, place, ...around(place, form) }, options.out);
    await withSink(sink, () => sink.write(socket.rows, Uint32Array.of(0)));
  } finally {
    await socket.close();
  }
}
