import { closeSync } from 'node:fs';
import { TraceError } from '../model/error.ts';
import { libbpf } from './bindings.ts';
import { check } from './failure.ts';
import { asBuffer, type Handle } from './native.ts';

/** enum bpf_map_type, as far as it is used here. */
export const MapType = { hash: 1, array: 2, perCpuArray: 6, arrayOfMaps: 12, ringbuf: 27 } as const;
export type MapType = (typeof MapType)[keyof typeof MapType];

/** BPF_MAP_TYPE_PERCPU_HASH, PERCPU_ARRAY, LRU_PERCPU_HASH, PERCPU_CGROUP_STORAGE. */
const PER_CPU_TYPES: ReadonlySet<number> = new Set([5, 6, 10, 21]);

/** What a value of a map is read and written through. */
interface Shape {
  readonly name: string;
  readonly keyBytes: number;
  readonly valueBytes: number;
}

/** CPUs that this machine may ever have: how many parts a per-CPU value has. */
export function possibleCpus(): number {
  return check('libbpf_num_possible_cpus', () => libbpf().libbpf_num_possible_cpus());
}

/** A map of an opened object; valid until the object is closed. */
export class BpfMap implements Shape {
  readonly #handle: Handle;
  readonly name: string;
  readonly keyBytes: number;
  readonly valueBytes: number;
  /** Its values have a part for each possible CPU. */
  readonly isPerCpu: boolean;

  constructor(handle: Handle) {
    this.#handle = handle;
    this.name = libbpf().bpf_map__name(handle);
    this.keyBytes = libbpf().bpf_map__key_size(handle);
    this.valueBytes = libbpf().bpf_map__value_size(handle);
    this.isPerCpu = PER_CPU_TYPES.has(libbpf().bpf_map__type(handle));
  }

  /** Valid after the object was loaded. */
  get fd(): number {
    const fd = libbpf().bpf_map__fd(this.#handle);
    if (fd >= 0) return fd;
    throw new TraceError('failed', `map ${this.name} is not loaded`);
  }

  get maxEntries(): number {
    return libbpf().bpf_map__max_entries(this.#handle);
  }

  /** Before load(), as all setters. */
  setMaxEntries(entries: number): void {
    const operation = `bpf_map__set_max_entries ${this.name}`;
    check(operation, () => libbpf().bpf_map__set_max_entries(this.#handle, entries));
  }

  /** A map of the kind that this map of maps will hold; it may be closed after load(). */
  setInnerMap(fd: number): void {
    const operation = `bpf_map__set_inner_map_fd ${this.name}`;
    check(operation, () => libbpf().bpf_map__set_inner_map_fd(this.#handle, fd));
  }

  /** load() takes the map of this descriptor in the place of a new one: of the same kind and sizes. */
  reuse(fd: number): void {
    check(`bpf_map__reuse_fd ${this.name}`, () => libbpf().bpf_map__reuse_fd(this.#handle, fd));
  }

  /** The value under a key: a copy. */
  lookup(key: Uint8Array): Buffer {
    this.#needPerCpu(false);
    return lookup(this, this.fd, key, this.valueBytes);
  }

  /** The value of each possible CPU, in their order. */
  lookupPerCpu(key: Uint8Array): Buffer[] {
    this.#needPerCpu(true);
    const stride = perCpuStride(this.valueBytes);
    const cpus = possibleCpus();
    const all = lookup(this, this.fd, key, stride * cpus);
    return Array.from({ length: cpus }, (_, cpu) =>
      all.subarray(cpu * stride, cpu * stride + this.valueBytes),
    );
  }

  update(key: Uint8Array, value: Uint8Array): void {
    this.#needPerCpu(false);
    needBytes(this.name, 'key', key, this.keyBytes);
    needBytes(this.name, 'value', value, this.valueBytes);
    updateMap(this.name, this.fd, key, value);
  }

  /** What load() fills the map with: a copy. */
  initialValue(): Buffer {
    const size = Buffer.from(new ArrayBuffer(8));
    const from = libbpf().bpf_map__initial_value(this.#handle, size);
    const bytes = Buffer.alloc(Number(from) === 0 ? 0 : Number(size.readBigUInt64LE()));
    if (bytes.length > 0) libbpf().memcpy(bytes, from, bytes.length);
    return bytes;
  }

  setInitialValue(bytes: Uint8Array): void {
    const operation = `bpf_map__set_initial_value ${this.name}`;
    const data = asBuffer(bytes);
    check(operation, () => libbpf().bpf_map__set_initial_value(this.#handle, data, data.length));
  }

  /** The kernel copies a value of all CPUs, whatever room there is. */
  #needPerCpu(wanted: boolean): void {
    if (this.isPerCpu === wanted) return;
    const kinds = this.isPerCpu
      ? 'per-CPU values, needs single ones'
      : 'single values, needs per-CPU';
    throw new TraceError('failed', `map ${this.name} has ${kinds}`);
  }
}

/** Bytes from one CPU's part of a value to the next one's. */
export function perCpuStride(valueBytes: number): number {
  return (valueBytes + 7) & ~7;
}

export interface MapSettings extends Shape {
  readonly type: MapType;
  /** Bytes where the type is ringbuf: a power of two and a multiple of the page size. */
  readonly maxEntries: number;
}

/** A map of no object: our own descriptor. */
export class OwnMap {
  readonly name: string;
  #fd: number | undefined;

  private constructor(name: string, fd: number) {
    this.name = name;
    this.#fd = fd;
  }

  static create(map: MapSettings): OwnMap {
    const { type, name, keyBytes, valueBytes, maxEntries } = map;
    const fd = check(`bpf_map_create ${name}`, () =>
      libbpf().bpf_map_create(type, name, keyBytes, valueBytes, maxEntries, null),
    );
    return new OwnMap(name, fd);
  }

  get fd(): number {
    if (this.#fd !== undefined) return this.#fd;
    throw new TraceError('failed', `map ${this.name} is closed`);
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}

function updateMap(name: string, fd: number, key: Uint8Array, value: Uint8Array): void {
  check(`bpf_map_update_elem ${name}`, () =>
    libbpf().bpf_map_update_elem(fd, asBuffer(key), asBuffer(value), 0),
  );
}

function lookup(map: Shape, fd: number, key: Uint8Array, bytes: number): Buffer {
  needBytes(map.name, 'key', key, map.keyBytes);
  const value = Buffer.alloc(bytes);
  check(`bpf_map_lookup_elem ${map.name}`, () =>
    libbpf().bpf_map_lookup_elem(fd, asBuffer(key), value),
  );
  return value;
}

/** The kernel reads as many bytes as the map says, whatever is there. */
function needBytes(map: string, what: string, bytes: Uint8Array, needed: number): void {
  if (bytes.length === needed) return;
  throw new TraceError(
    'failed',
    `${what} of map ${map} has ${bytes.length} bytes, needs ${needed}`,
  );
}
