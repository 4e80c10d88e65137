/**
 * BTF, the kernel's type information, read without libbpf.
 *
 * In: the bytes of a `.BTF` section, or of a file under /sys/kernel/btf. Out:
 * enums by name with their values, structs by name with their fields laid out.
 * A Btf keeps a view of the caller's bytes: they must not change afterwards.
 *
 * Section numbers below are those of the kernel's Documentation/bpf/btf.rst.
 */
import { TraceError } from '../model/error.ts';
import { Kind, type RawType, readTypes } from './btf-types.ts';
import { textAt } from './elf.ts';

export interface EnumValue {
  readonly name: string;
  /** 64 bits wide and signed where the enum is. */
  readonly value: bigint;
}

/** One leaf of a struct: an integer, enum, pointer, float or array of them. */
export interface Field {
  /** Dotted through named members; members of an anonymous one stand by themselves. */
  readonly path: string;
  /** Bytes from the start of the outermost struct. */
  readonly offset: number;
  /** Bytes of one element. */
  readonly size: number;
  /** Elements; 1 unless an array. */
  readonly count: number;
  readonly isSigned: boolean;
  /** Bits from `offset`, and width, of a bit field; width 0 for whole bytes. */
  readonly bitOffset: number;
  readonly bitWidth: number;
}

export interface Struct {
  readonly name: string;
  readonly size: number;
  readonly fields: readonly Field[];
}

const INT_SIGNED = 1 << 24; // 2.2.1: encoding, bits 24..27 of the word after an int

export class Btf {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #strings: number;
  readonly #types: readonly RawType[];
  readonly #base: Btf | undefined;
  /** One past the highest type id, base included. */
  readonly typeCount: number;
  /** Bytes of strings, base included. */
  readonly stringBytes: number;

  private constructor(bytes: Uint8Array, base: Btf | undefined) {
    const raw = readTypes(bytes);
    this.#bytes = bytes;
    this.#view = raw.view;
    this.#strings = raw.strings;
    this.#types = raw.types;
    this.#base = base;
    this.typeCount = (base?.typeCount ?? 1) + raw.types.length;
    this.stringBytes = (base?.stringBytes ?? 0) + raw.stringBytes;
  }

  /** `base` is vmlinux's BTF where the bytes are those of a module (split BTF). */
  static parse(bytes: Uint8Array, base?: Btf): Btf {
    try {
      return new Btf(bytes, base);
    } catch (cause) {
      if (cause instanceof TraceError) throw cause;
      throw new TraceError('corrupt', `BTF of ${bytes.length} bytes ends inside a type`, { cause });
    }
  }

  /** Whether a type of that kind and name exists, e.g. the function `nf_nat_setup_info`. */
  has(kind: 'struct' | 'union' | 'enum' | 'func', name: string): boolean {
    if (kind === 'enum') return this.#findEnum(name) !== undefined;
    const wanted = { struct: Kind.struct, union: Kind.union, func: Kind.func }[kind];
    return this.#find(wanted, name) !== undefined;
  }

  /** The values of an enum in source order; undefined where there is no such enum. */
  enumValues(name: string): readonly EnumValue[] | undefined {
    return this.#findEnum(name) ?? this.#base?.enumValues(name);
  }

  /** Any struct or union by name; undefined where there is none. */
  struct(name: string): Struct | undefined {
    const type = this.#find(Kind.struct, name) ?? this.#find(Kind.union, name);
    if (type === undefined) return this.#base?.struct(name);
    const fields: Field[] = [];
    this.#addMembers(type, '', 0, fields);
    return { name, size: type.sizeOrType, fields };
  }

  #find(kind: Kind, name: string): RawType | undefined {
    return this.#types.find((type) => type.kind === kind && this.#text(type.name) === name);
  }

  #findEnum(name: string): EnumValue[] | undefined {
    const type = this.#find(Kind.enum, name) ?? this.#find(Kind.enum64, name);
    if (type === undefined) return undefined;
    const step = type.kind === Kind.enum64 ? 12 : 8; // 2.2.19 and 2.2.6
    return Array.from({ length: type.length }, (_, index) => {
      const at = type.extra + index * step;
      return { name: this.#text(this.#word(at)), value: this.#enumValue(type, at) };
    });
  }

  #enumValue(type: RawType, at: number): bigint {
    const isWide = type.kind === Kind.enum64;
    const high = isWide ? BigInt(this.#word(at + 8)) << 32n : 0n;
    const value = high | BigInt(this.#word(at + 4));
    return type.flag ? BigInt.asIntN(isWide ? 64 : 32, value) : value;
  }

  /** 2.2.4: name, type, and offset in bits, with a bit field's width above it. */
  #addMembers(type: RawType, prefix: string, start: number, fields: Field[]): void {
    for (let index = 0; index < type.length; index++) {
      const at = type.extra + index * 12;
      const position = this.#word(at + 8);
      const bits = type.flag ? position & 0xffffff : position;
      const name = this.#text(this.#word(at));
      const where = {
        path: prefix + name,
        bits: start + bits,
        width: type.flag ? position >>> 24 : 0,
      };
      this.#addField(this.#word(at + 4), where, fields);
    }
  }

  #addField(id: number, at: { path: string; bits: number; width: number }, fields: Field[]): void {
    const { type, owner, count } = this.#element(id);
    if (count === 1 && (type?.kind === Kind.struct || type?.kind === Kind.union)) {
      const isNamed = at.path !== '' && !at.path.endsWith('.');
      owner.#addMembers(type, isNamed ? `${at.path}.` : at.path, at.bits, fields);
      return;
    }
    const { size, isSigned } = owner.#scalar(type);
    fields.push({
      path: at.path,
      offset: at.bits >>> 3,
      size,
      count,
      isSigned,
      bitOffset: at.bits & 7,
      bitWidth: at.width,
    });
  }

  /** Looks through typedefs, qualifiers and arrays; `owner` holds the type found. */
  #element(id: number): { type: RawType | undefined; owner: Btf; count: number } {
    let count = 1;
    for (let next = id; ; ) {
      const { type, owner } = this.#type(next);
      if (type?.kind === Kind.array) {
        count *= owner.#word(type.extra + 8); // 2.2.3
        next = owner.#word(type.extra);
      } else if (type !== undefined && LOOK_THROUGH.has(type.kind)) {
        next = type.sizeOrType;
      } else {
        return { type, owner, count };
      }
    }
  }

  #scalar(type: RawType | undefined): { size: number; isSigned: boolean } {
    if (type === undefined) return { size: 0, isSigned: false };
    if (type.kind === Kind.pointer) return { size: 8, isSigned: false };
    if (type.kind !== Kind.int) return { size: type.sizeOrType, isSigned: type.flag };
    return { size: type.sizeOrType, isSigned: (this.#word(type.extra) & INT_SIGNED) !== 0 };
  }

  #type(id: number): { type: RawType | undefined; owner: Btf } {
    const first = this.#base?.typeCount ?? 1; // id 0 is void
    if (id < first && this.#base !== undefined) return this.#base.#type(id);
    return { type: this.#types[id - first], owner: this };
  }

  #text(offset: number): string {
    const base = this.#base;
    if (base !== undefined && offset < base.stringBytes) return base.#text(offset);
    return textAt(this.#bytes, this.#strings + offset - (base?.stringBytes ?? 0));
  }

  #word(at: number): number {
    return this.#view.getUint32(at, true);
  }
}

const LOOK_THROUGH: ReadonlySet<Kind> = new Set([
  Kind.typedef,
  Kind.volatile,
  Kind.const,
  Kind.restrict,
  Kind.typeTag,
]);
