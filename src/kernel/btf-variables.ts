import { Kind, readTypes } from './btf-types.ts';
import { textAt } from './elf.ts';

export interface Variable {
  readonly name: string;
  /** Bytes from the start of the section. */
  readonly offset: number;
  readonly size: number;
}

/**
 * The global variables of one data section, e.g. `.rodata`: btf.rst 2.2.15 and
 * 2.2.14. A compiler may leave the offsets zero for the linker: give the BTF
 * that libbpf holds after it opened the object.
 */
export function sectionVariables(btf: Uint8Array, section: string): Variable[] {
  const { view, strings, types } = readTypes(btf);
  const text = (offset: number) => textAt(btf, strings + offset);
  const data = types.find((type) => type.kind === Kind.dataSection && text(type.name) === section);
  if (data === undefined) return [];
  return Array.from({ length: data.length }, (_, index) => {
    const at = data.extra + index * 12;
    const variable = types[view.getUint32(at, true) - 1];
    return {
      name: variable === undefined ? '' : text(variable.name),
      offset: view.getUint32(at + 4, true),
      size: view.getUint32(at + 8, true),
    };
  });
}
