/**
 * libbpf 1.x, one to one: the C signature stands above each binding, the names
 * are libbpf's. Functions that return a pointer return NULL and set errno;
 * those that return an int return -errno.
 *
 * Not exposed, and why:
 * - ring_buffer__*, perf_buffer__*: a callback per record; the shim drains instead
 * - bpf_object__*_skeleton: the object is a file of the package
 * - bpf_object__pin*, bpf_map__pin*, bpf_link__pin: nothing may outlive the process
 * - libbpf_strerror: no more than a text, which failure.ts has
 * - libbpf_get_error, IS_ERR: libbpf 1.x returns NULL
 * - libbpf_set_memlock_rlim: libbpf 1.x raises the limit by itself where it must
 * - btf__*: src/kernel/btf.ts reads the same bytes; only btf__raw_data, to get them
 * - most of bpf_prog_*, uprobe, usdt, xdp, tc, netlink: not what this program traces with
 */
import { TraceError } from '../model/error.ts';
import { type BoundLibrary, bindLibrary } from './native.ts';
import { shimLogger } from './shim.ts';

const LIBBPF = {
  // const char *libbpf_version_string(void)
  libbpf_version_string: ['string', []],
  // libbpf_print_fn_t libbpf_set_print(libbpf_print_fn_t fn)
  libbpf_set_print: ['uint64', ['pointer']],
  // int libbpf_num_possible_cpus(void)
  libbpf_num_possible_cpus: ['int', []],

  // struct bpf_object *bpf_object__open_file(const char *path, const struct bpf_object_open_opts *opts)
  bpf_object__open_file: ['uint64', ['string', 'pointer']],
  // struct bpf_object *bpf_object__open_mem(const void *obj_buf, size_t obj_buf_sz, const struct bpf_object_open_opts *opts)
  bpf_object__open_mem: ['uint64', ['pointer', 'uint64', 'pointer']],
  // int bpf_object__load(struct bpf_object *obj)
  bpf_object__load: ['int', ['uint64']],
  // void bpf_object__close(struct bpf_object *object)
  bpf_object__close: ['void', ['uint64']],
  // struct bpf_program *bpf_object__find_program_by_name(const struct bpf_object *obj, const char *name)
  bpf_object__find_program_by_name: ['uint64', ['uint64', 'string']],
  // struct bpf_program *bpf_object__next_program(const struct bpf_object *obj, struct bpf_program *prog)
  bpf_object__next_program: ['uint64', ['uint64', 'uint64']],
  // struct bpf_map *bpf_object__find_map_by_name(const struct bpf_object *obj, const char *name)
  bpf_object__find_map_by_name: ['uint64', ['uint64', 'string']],
  // struct bpf_map *bpf_object__next_map(const struct bpf_object *obj, const struct bpf_map *map)
  bpf_object__next_map: ['uint64', ['uint64', 'uint64']],
  // struct btf *bpf_object__btf(const struct bpf_object *obj)
  bpf_object__btf: ['uint64', ['uint64']],
  // const void *btf__raw_data(const struct btf *btf, __u32 *size)
  btf__raw_data: ['uint64', ['uint64', 'pointer']],

  // int bpf_obj_get_info_by_fd(int bpf_fd, void *info, __u32 *info_len)
  bpf_obj_get_info_by_fd: ['int', ['int', 'pointer', 'pointer']],

  // const char *bpf_program__name(const struct bpf_program *prog)
  bpf_program__name: ['string', ['uint64']],
  // const char *bpf_program__section_name(const struct bpf_program *prog)
  bpf_program__section_name: ['string', ['uint64']],
  // int bpf_program__fd(const struct bpf_program *prog)
  bpf_program__fd: ['int', ['uint64']],
  // bool bpf_program__autoload(const struct bpf_program *prog)
  bpf_program__autoload: ['bool', ['uint64']],
  // int bpf_program__set_autoload(struct bpf_program *prog, bool autoload)
  bpf_program__set_autoload: ['int', ['uint64', 'bool']],
  // struct bpf_link *bpf_program__attach(const struct bpf_program *prog)
  bpf_program__attach: ['uint64', ['uint64']],
  // struct bpf_link *bpf_program__attach_kprobe(const struct bpf_program *prog, bool retprobe, const char *func_name)
  bpf_program__attach_kprobe: ['uint64', ['uint64', 'bool', 'string']],
  // int bpf_prog_test_run_opts(int prog_fd, struct bpf_test_run_opts *opts)
  bpf_prog_test_run_opts: ['int', ['int', 'pointer']],
  // int bpf_link__destroy(struct bpf_link *link)
  bpf_link__destroy: ['int', ['uint64']],

  // const char *bpf_map__name(const struct bpf_map *map)
  bpf_map__name: ['string', ['uint64']],
  // enum bpf_map_type bpf_map__type(const struct bpf_map *map)
  bpf_map__type: ['uint32', ['uint64']],
  // int bpf_map__fd(const struct bpf_map *map)
  bpf_map__fd: ['int', ['uint64']],
  // __u32 bpf_map__key_size(const struct bpf_map *map)
  bpf_map__key_size: ['uint32', ['uint64']],
  // __u32 bpf_map__value_size(const struct bpf_map *map)
  bpf_map__value_size: ['uint32', ['uint64']],
  // __u32 bpf_map__max_entries(const struct bpf_map *map)
  bpf_map__max_entries: ['uint32', ['uint64']],
  // int bpf_map__set_max_entries(struct bpf_map *map, __u32 max_entries)
  bpf_map__set_max_entries: ['int', ['uint64', 'uint32']],
  // int bpf_map__reuse_fd(struct bpf_map *map, int fd)
  bpf_map__reuse_fd: ['int', ['uint64', 'int']],
  // int bpf_map__set_inner_map_fd(struct bpf_map *map, int fd)
  bpf_map__set_inner_map_fd: ['int', ['uint64', 'int']],
  // const void *bpf_map__initial_value(struct bpf_map *map, size_t *psize)
  bpf_map__initial_value: ['uint64', ['uint64', 'pointer']],
  // int bpf_map__set_initial_value(struct bpf_map *map, const void *data, size_t size)
  bpf_map__set_initial_value: ['int', ['uint64', 'pointer', 'uint64']],

  // int bpf_map_create(enum bpf_map_type map_type, const char *map_name, __u32 key_size,
  //   __u32 value_size, __u32 max_entries, const struct bpf_map_create_opts *opts)
  bpf_map_create: ['int', ['uint32', 'string', 'uint32', 'uint32', 'uint32', 'pointer']],
  // int bpf_map_update_elem(int fd, const void *key, const void *value, __u64 flags)
  bpf_map_update_elem: ['int', ['int', 'pointer', 'pointer', 'uint64']],
  // int bpf_map_lookup_elem(int fd, const void *key, void *value)
  bpf_map_lookup_elem: ['int', ['int', 'pointer', 'pointer']],
} as const;

const LIBC = {
  // void *memcpy(void *dest, const void *src, size_t n): out of memory that libbpf owns
  memcpy: ['uint64', ['pointer', 'uint64', 'uint64']],
} as const;

let boundLibc: BoundLibrary<typeof LIBC> | undefined;

export function libc(): BoundLibrary<typeof LIBC> {
  boundLibc ??= bindLibrary(null, LIBC);
  return boundLibc;
}

export type Libbpf = BoundLibrary<typeof LIBBPF> & BoundLibrary<typeof LIBC>;

let loaded: Libbpf | undefined;
let logger: Buffer | undefined; // held: libbpf keeps calling it

/** libbpf, loaded at the first call. */
export function libbpf(): Libbpf {
  if (loaded !== undefined) return loaded;
  logger = shimLogger();
  const bound = { ...load('libbpf.so.1'), ...libc() };
  bound.libbpf_set_print(logger);
  loaded = bound;
  return loaded;
}

/** Exported for its test. */
export function load(path: string): BoundLibrary<typeof LIBBPF> {
  try {
    return bindLibrary(path, LIBBPF);
  } catch (cause) {
    throw new TraceError('missing', `${path}: libbpf 1.x cannot be loaded`, {
      hint: 'apt-get install libbpf1',
      cause,
    });
  }
}
