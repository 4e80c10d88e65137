/** All entries that match, in memory of our own: they will be named to the kernel again. */
import type { ConntrackSocket } from '../libbpf/conntrack-socket.ts';
import { ENTRY_WORDS, EntryRows, EntryWord, NO_MESSAGE } from '../model/entry-row.ts';
import type { EntryFilter } from '../table/filter-words.ts';
import { chosenOf } from './table-list-run.ts';

const FIRST_ROWS = 1024;

export function matchingRows(socket: ConntrackSocket, filter: EntryFilter): EntryRows {
  let all = new EntryRows(FIRST_ROWS);
  socket.list(filter.family);
  for (let isMore = true; isMore; ) {
    isMore = socket.next();
    const chosen = chosenOf(socket, filter);
    while (all.length + chosen.length > all.capacity) all = twice(all);
    for (const row of chosen) all.append(socket.rows.words, socket.rows.at(row));
  }
  for (let row = 0; row < all.length; row++) {
    all.words[row * ENTRY_WORDS + EntryWord.message] = NO_MESSAGE;
  }
  return all;
}

function twice(rows: EntryRows): EntryRows {
  const more = new EntryRows(rows.capacity * 2);
  more.words.set(rows.words);
  more.length = rows.length;
  return more;
}
