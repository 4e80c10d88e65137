/**
 * The one door to C: no other file imports the FFI package.
 *
 * Its hazards, and the answers here: 64-bit results above 2^53 come as strings,
 * so handles are opaque: they go back to C as they are, or into a struct as a
 * BigInt; address.ts alone computes with addresses. A function pointer handed
 * to C must not be collected, so libraries live as long as the process. No
 * callback is ever a JavaScript function. A call costs microseconds: never one
 * per record. The first load in a process must not be in two workers at once.
 */
import ffi from 'ffi-napi';

declare const handle: unique symbol;

/** An address in C, 0 for NULL. Compare with `isNull`, nothing else. */
export type Handle = (number | string) & { readonly [handle]?: 'Handle' };

/** What each C type is on this side; the names are the FFI package's. */
interface TypeOf {
  void: undefined;
  int: number;
  uint32: number;
  /** Sizes and addresses. */
  uint64: Handle;
  bool: boolean;
  string: string;
  /** Memory of ours that C reads or writes during the call; null for NULL. */
  pointer: Buffer | null;
}

type TypeName = keyof TypeOf;
export type Signatures = Readonly<Record<string, readonly [TypeName, readonly TypeName[]]>>;

type Arguments<Types extends readonly TypeName[]> = {
  -readonly [Index in keyof Types]: TypeOf[Types[Index]];
};

/** A C function; `async` runs it on a thread of libuv's pool. */
export interface Bound<Result extends TypeName, Types extends readonly TypeName[]> {
  (...values: Arguments<Types>): TypeOf[Result];
  async(
    ...values: [...Arguments<Types>, (error: Error | null, result: TypeOf[Result]) => void]
  ): void;
}

export type BoundLibrary<Table extends Signatures> = {
  readonly [Name in keyof Table]: Bound<Table[Name][0], Table[Name][1]>;
};

/** Loads a library for the process's life; null is what is loaded already, libc with it. */
export function bindLibrary<const Table extends Signatures>(
  path: string | null,
  table: Table,
): BoundLibrary<Table> {
  const definition = table as unknown as Record<string, [string, string[]]>;
  return new ffi.Library(path, definition) as unknown as BoundLibrary<Table>;
}

/** The address of a C function, to be handed to C. */
export function functionPointer(path: string, name: string): Buffer {
  return new ffi.DynamicLibrary(path).get(name) as unknown as Buffer;
}

/** errno of this thread: read it before any other call. */
export function lastErrno(): number {
  return ffi.errno();
}

export function isNull(address: Handle): boolean {
  return Number(address) === 0;
}

/** The caller's memory itself, not a copy, in the form that a call takes. */
export function asBuffer(bytes: Uint8Array): Buffer {
  if (Buffer.isBuffer(bytes)) return bytes;
  return Buffer.from(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength);
}
