import { type BpfObject, MapType, OwnMap } from '../libbpf/index.ts';
import { wordBytes } from './map-bytes.ts';

/** All rings together take at most this much, unless the user says otherwise. */
const TOTAL_BYTES = 64 << 20;
const LARGEST_BYTES = 8 << 20;
const SMALLEST_BYTES = 256 << 10;

/** Bytes of each CPU's ring: a power of two, a multiple of the page size. */
export function defaultRingBytes(cpus: number): number {
  let bytes = LARGEST_BYTES;
  while (bytes > SMALLEST_BYTES && bytes * cpus > TOTAL_BYTES) bytes /= 2;
  return bytes;
}

/** One ring for each CPU: no two of them ever wait for each other. */
export class Rings {
  readonly bytes: number;
  private readonly maps: readonly OwnMap[];

  private constructor(bytes: number, maps: readonly OwnMap[]) {
    this.bytes = bytes;
    this.maps = maps;
  }

  /** Before the object is loaded. */
  static create(object: BpfObject, cpus: number, bytes: number): Rings {
    const maps: OwnMap[] = [];
    const rings = new Rings(bytes, maps);
    try {
      for (let cpu = 0; cpu < cpus; cpu++) {
        maps.push(
          OwnMap.create({
            name: `ring${cpu}`,
            type: MapType.ringbuf,
            keyBytes: 0,
            valueBytes: 0,
            maxEntries: bytes,
          }),
        );
      }
      const outer = object.map('rings');
      outer.setMaxEntries(cpus);
      outer.setInnerMap(maps[0]!.fd);
      return rings;
    } catch (error) {
      rings.close();
      throw error;
    }
  }

  /** After the object was loaded. */
  install(object: BpfObject): void {
    const outer = object.map('rings');
    this.maps.forEach((map, cpu) => {
      outer.update(wordBytes(cpu), wordBytes(map.fd));
    });
  }

  get fds(): number[] {
    return this.maps.map((map) => map.fd);
  }

  close(): void {
    for (const map of this.maps) map.close();
  }
}
