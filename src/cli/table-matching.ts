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

/** Some that the kernel lists first. All of the listing is read: the socket is used again. */
export function firstRows(socket: ConntrackSocket, family: 0 | 4 | 6): EntryRows {
  const first = new EntryRows(MOST_FIRST);
  socket.list(family);
  for (let isMore = true; isMore; ) {
    isMore = socket.next();
    for (let row = 0; row < socket.rows.length && first.length < first.capacity; row++) {
      first.append(socket.rows.words, socket.rows.at(row));
    }
  }
  for (let row = 0; row < first.length; row++) {
    first.words[row * ENTRY_WORDS + EntryWord.message] = NO_MESSAGE;
  }
  return first;
}

const MOST_FIRST = 3;

function twice(rows: EntryRows): EntryRows {
  const more = new EntryRows(rows.capacity * 2);
  more.words.set(rows.words);
  more.length = rows.length;
  return more;
}
