/**
 * build/libconntrail-table.so, one to one; native/table/table.h says what each
 * function does. A library of its own, loaded when the conntrack table is asked
 * for: tracing needs no netlink library.
 *
 * Not exposed: nothing of libmnl and libnetfilter_conntrack, which the shim calls.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { TraceError } from '../model/error.ts';
import { type BoundLibrary, bindLibrary } from './native.ts';

const PATH = fileURLToPath(new URL('../../build/libconntrail-table.so', import.meta.url));

const TABLE_SHIM = {
  // int table_open(struct table_call *call)
  table_open: ['int', ['uint64']],
  // void table_close(struct table_call *call)
  table_close: ['void', ['uint64']],
  // int table_list(struct table_call *call)
  table_list: ['int', ['uint64']],
  // int table_next(struct table_call *call)
  table_next: ['int', ['uint64']],
  // int table_wait(struct table_call *call)
  table_wait: ['int', ['uint64']],
  // int table_wake(struct table_call *call)
  table_wake: ['int', ['uint64']],
  // int table_lines(struct table_call *call)
  table_lines: ['int', ['uint64']],
  // int table_get(struct table_call *call)
  table_get: ['int', ['uint64']],
  // int table_change(struct table_call *call)
  table_change: ['int', ['uint64']],
  // int table_flush(struct table_call *call)
  table_flush: ['int', ['uint64']],
  // int table_count(struct table_call *call)
  table_count: ['int', ['uint64']],
  // int table_feed(struct table_call *call, const void *messages, uint32_t bytes)
  table_feed: ['int', ['uint64', 'pointer', 'uint32']],
} as const;

export type TableShim = BoundLibrary<typeof TABLE_SHIM>;

let loaded: TableShim | undefined;

/** The shim, loaded at the first call. */
export function tableShim(): TableShim {
  loaded ??= loadTableShim(PATH);
  return loaded;
}

/** Exported for its test. */
export function loadTableShim(path: string): TableShim {
  try {
    return bindLibrary(path, TABLE_SHIM);
  } catch (cause) {
    if (!existsSync(path)) {
      throw new TraceError('missing', `${path} is not there`, { hint: 'make native', cause });
    }
    const needed = 'needed libnetfilter_conntrack and libmnl';
    throw new TraceError('missing', `${path} cannot be loaded, ${needed}`, {
      hint: 'apt-get install libnetfilter-conntrack3 libmnl0',
      cause,
    });
  }
}
