/**
 * build/libconntrail.so, one to one; native/*.h say what each function does.
 *
 * Not exposed: memory_ring_reserve and _commit, which work on one record;
 * drain_wait_take, which drain_call calls; compress.h, of which chunks_encode makes use.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { TraceError } from '../model/error.ts';
import { type BoundLibrary, bindLibrary, functionPointer } from './native.ts';

/** Two rooms up from this file, from src/ as from dist/: the package's root. */
const PATH = fileURLToPath(new URL('../../build/libconntrail.so', import.meta.url));

const SHIM = {
  // struct drain *drain_open(const int *map_fds, uint32_t rings, uint32_t record_size, uint64_t wake_bytes, int *err)
  drain_open: ['uint64', ['pointer', 'uint32', 'uint32', 'uint64', 'pointer']],
  // int drain_add_memory_ring(struct drain *drain, struct memory_ring *ring)
  drain_add_memory_ring: ['int', ['uint64', 'uint64']],
  // int drain_take(struct drain *drain, void *dst, uint64_t capacity, struct drain_result *result)
  drain_take: ['int', ['uint64', 'pointer', 'uint64', 'pointer']],
  // int drain_call(struct drain_call *call)
  drain_call: ['int', ['uint64']],
  // int drain_wake(struct drain *drain)
  drain_wake: ['int', ['uint64']],
  // void drain_close(struct drain *drain)
  drain_close: ['void', ['uint64']],

  // struct memory_ring *memory_ring_open(uint64_t size, int *err)
  memory_ring_open: ['uint64', ['uint64', 'pointer']],
  // uint64_t memory_ring_write(struct memory_ring *ring, const void *records, uint64_t bytes, uint32_t record_size)
  memory_ring_write: ['uint64', ['uint64', 'pointer', 'uint64', 'uint32']],
  // void memory_ring_close(struct memory_ring *ring)
  memory_ring_close: ['void', ['uint64']],

  // struct merge *merge_open(uint32_t cpus)
  merge_open: ['uint64', ['uint32']],
  // int merge_add(struct merge_call *call)
  merge_add: ['int', ['uint64']],
  // uint32_t merge_release(struct merge_call *call)
  merge_release: ['uint32', ['uint64']],
  // void merge_close(struct merge *merge)
  merge_close: ['void', ['uint64']],

  // uint32_t columns_fill(struct fill *fill)
  columns_fill: ['uint32', ['uint64']],
  // void columns_pack(struct pack *pack)
  columns_pack: ['void', ['uint64']],
  // uint32_t flows_read(struct read_call *call)
  flows_read: ['uint32', ['uint64']],
  // uint32_t flows_hand_on(struct hand_on_call *call)
  flows_hand_on: ['uint32', ['uint64']],
  // uint32_t flow_row_word(uint32_t index)
  flow_row_word: ['uint32', ['uint32']],
  // uint32_t tally_count(const struct tally_call *call)
  tally_count: ['uint32', ['uint64']],
  // void transpose(const struct transpose_call *call)
  transpose: ['void', ['uint64']],
  // uint64_t memory_address(const void *memory)
  memory_address: ['uint64', ['pointer']],

  // uint64_t log_read(char *dst, uint64_t capacity)
  log_read: ['uint64', ['pointer', 'uint64']],
  // void log_clear(void)
  log_clear: ['void', []],

  // struct chunk_encoder *chunk_encoder_open(int level)
  chunk_encoder_open: ['uint64', ['int']],
  // int chunks_encode(struct chunks_call *call)
  chunks_encode: ['int', ['uint64']],
  // void chunk_encoder_close(struct chunk_encoder *encoder)
  chunk_encoder_close: ['void', ['uint64']],

  // int legacy_table_read(const struct legacy_table_call *call)
  legacy_table_read: ['int', ['uint64']],
} as const;

export type Shim = BoundLibrary<typeof SHIM>;

let loaded: Shim | undefined;

/** The shim, loaded at the first call. */
export function shim(): Shim {
  loaded ??= loadShim(PATH);
  return loaded;
}

/** Exported for its test. */
export function loadShim(path: string): Shim {
  try {
    return bindLibrary(path, SHIM);
  } catch (cause) {
    const found = existsSync(path) ? 'cannot be loaded on this machine' : 'is not there';
    throw new TraceError('missing', `${path} ${found}`, { hint: 'make native', cause });
  }
}

/** The address of libbpf_log(), for libbpf_set_print(). */
export function shimLogger(): Buffer {
  shim();
  return functionPointer(PATH, 'libbpf_log');
}

const LOG_BYTES = 64 << 10;

/** What libbpf said since `clearLog()`. */
export function readLog(): string {
  const bytes = Buffer.alloc(LOG_BYTES + 1);
  return bytes.toString('utf8', 0, Number(shim().log_read(bytes, bytes.length)));
}

export function clearLog(): void {
  shim().log_clear();
}
