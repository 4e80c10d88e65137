import { TraceError } from '../model/error.ts';

/** ELF64 header and section header offsets, as <elf.h> has them. */
const ELF = { magic: 0x464c457f, sectionTable: 0x28, entrySize: 0x3a, entries: 0x3c, names: 0x3e };
const SECTION = { name: 0, offset: 0x18, size: 0x20 };

export function isElf(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && view(bytes).getUint32(0, true) === ELF.magic;
}

/**
 * The bytes of one section of a 64-bit little-endian object, e.g. `.BTF`.
 * A view of the caller's bytes, not a copy; undefined where there is none.
 */
export function elfSection(bytes: Uint8Array, name: string): Uint8Array | undefined {
  try {
    return findSection(bytes, name);
  } catch (cause) {
    throw new TraceError('corrupt', `object of ${bytes.length} bytes is not a whole ELF file`, {
      hint: 'build it again, or install the package again',
      cause,
    });
  }
}

/** Throws RangeError where a header points outside the bytes. */
function findSection(bytes: Uint8Array, name: string): Uint8Array | undefined {
  const elf = view(bytes);
  const table = Number(elf.getBigUint64(ELF.sectionTable, true));
  const entrySize = elf.getUint16(ELF.entrySize, true);
  const entries = elf.getUint16(ELF.entries, true);
  const at = (index: number) => table + index * entrySize;
  const content = (index: number) => {
    const offset = Number(elf.getBigUint64(at(index) + SECTION.offset, true));
    const size = Number(elf.getBigUint64(at(index) + SECTION.size, true));
    return { offset, size };
  };
  const names = content(elf.getUint16(ELF.names, true));
  for (let index = 0; index < entries; index++) {
    const start = names.offset + elf.getUint32(at(index) + SECTION.name, true);
    if (textAt(bytes, start) !== name) continue;
    const { offset, size } = content(index);
    if (offset + size > bytes.length)
      throw new RangeError(`section ${name} ends at ${offset + size}`);
    return bytes.subarray(offset, offset + size);
  }
  return undefined;
}

/** The NUL-terminated text at an offset. */
export function textAt(bytes: Uint8Array, start: number): string {
  const end = bytes.indexOf(0, start);
  return new TextDecoder('latin1').decode(bytes.subarray(start, end < 0 ? bytes.length : end));
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
