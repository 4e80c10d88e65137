import { columnMemory } from '../model/memory.ts';
import type { PacketColumn, PacketLayout } from './packet-layout.ts';

/** The memory of a batch, and views of its columns. */
export class PacketMemory {
  readonly layout: PacketLayout;
  readonly memory: ArrayBuffer;

  constructor(layout: PacketLayout) {
    this.layout = layout;
    this.memory = columnMemory.take(layout.bytes);
  }

  protected words(name: PacketColumn, perRow: number): Int32Array {
    return new Int32Array(this.memory, this.layout.offsets[name], this.layout.capacity * perRow);
  }

  protected ports(name: PacketColumn): Uint16Array {
    return new Uint16Array(this.memory, this.layout.offsets[name], this.layout.capacity);
  }

  protected octets(name: PacketColumn): Uint8Array {
    return new Uint8Array(this.memory, this.layout.offsets[name], this.layout.capacity);
  }

  protected codes(name: PacketColumn): Int8Array {
    return new Int8Array(this.memory, this.layout.offsets[name], this.layout.capacity);
  }
}
