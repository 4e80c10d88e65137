/** Cuts the type section of BTF into its types; section numbers as in btf.ts. */
import { TraceError } from '../model/error.ts';

/** 2.2: "the kind encoding". */
export const Kind = {
  int: 1,
  pointer: 2,
  array: 3,
  struct: 4,
  union: 5,
  enum: 6,
  forward: 7,
  typedef: 8,
  volatile: 9,
  const: 10,
  restrict: 11,
  func: 12,
  funcProto: 13,
  variable: 14,
  dataSection: 15,
  float: 16,
  declTag: 17,
  typeTag: 18,
  enum64: 19,
} as const;
export type Kind = (typeof Kind)[keyof typeof Kind];

export interface RawType {
  /** Offset into the strings. */
  readonly name: number;
  readonly kind: Kind;
  /** `vlen`: members, values or parameters. */
  readonly length: number;
  /** `kind_flag`: signed for enums, bit fields for structs. */
  readonly flag: boolean;
  readonly sizeOrType: number;
  /** Offset, in the bytes given, of what follows the 12-byte head. */
  readonly extra: number;
}

export interface RawTypes {
  readonly view: DataView;
  /** Offset of the strings in the bytes given, and how many bytes they are. */
  readonly strings: number;
  readonly stringBytes: number;
  readonly types: readonly RawType[];
}

const MAGIC = 0xeb9f;
const HEAD_BYTES = 12;

/** Bytes after the head of a type: fixed ones, and for each of its `vlen` items. */
const EXTRA_BYTES: Readonly<Record<Kind, readonly [fixed: number, each: number]>> = {
  [Kind.int]: [4, 0],
  [Kind.pointer]: [0, 0],
  [Kind.array]: [12, 0],
  [Kind.struct]: [0, 12],
  [Kind.union]: [0, 12],
  [Kind.enum]: [0, 8],
  [Kind.forward]: [0, 0],
  [Kind.typedef]: [0, 0],
  [Kind.volatile]: [0, 0],
  [Kind.const]: [0, 0],
  [Kind.restrict]: [0, 0],
  [Kind.func]: [0, 0], // its vlen is the linkage
  [Kind.funcProto]: [0, 8],
  [Kind.variable]: [4, 0],
  [Kind.dataSection]: [0, 12],
  [Kind.float]: [0, 0],
  [Kind.declTag]: [4, 0],
  [Kind.typeTag]: [0, 0],
  [Kind.enum64]: [0, 12],
};

/** 2.1 and 2.2. Throws RangeError where a length points outside the bytes. */
export function readTypes(bytes: Uint8Array): RawTypes {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = bytes.length < 2 ? 0 : view.getUint16(0, true);
  if (magic !== MAGIC) {
    throw new TraceError('corrupt', `BTF starts with 0x${magic.toString(16)}, needs 0xeb9f`);
  }
  const [headerBytes, typeAt, typeBytes, stringAt, stringBytes] = [4, 8, 12, 16, 20].map((at) =>
    view.getUint32(at, true),
  ) as [number, number, number, number, number];
  const strings = headerBytes + stringAt;
  if (strings + stringBytes > bytes.length) throw new RangeError('strings end outside');
  const start = headerBytes + typeAt;
  return { view, strings, stringBytes, types: cutTypes(view, start, start + typeBytes) };
}

function cutTypes(view: DataView, start: number, end: number): RawType[] {
  const types: RawType[] = [];
  for (let at = start; at < end; ) {
    const info = view.getUint32(at + 4, true);
    const kind = ((info >>> 24) & 0x1f) as Kind;
    const size = EXTRA_BYTES[kind];
    if (size === undefined) {
      throw new TraceError(
        'unsupported',
        `BTF type ${types.length + 1} has the unknown kind ${kind}`,
      );
    }
    const length = info & 0xffff;
    const extra = at + HEAD_BYTES;
    types.push({
      name: view.getUint32(at, true),
      kind,
      length,
      flag: info >>> 31 === 1,
      sizeOrType: view.getUint32(at + 8, true),
      extra,
    });
    at = extra + size[0] + size[1] * length;
    if (at > view.byteLength) throw new RangeError('type ends outside');
  }
  return types;
}
