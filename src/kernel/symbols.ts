/**
 * The kernel's functions: by name, to know which probes can be attached, and
 * by address, to say who dropped or deleted something.
 *
 * In: the bytes of /proc/kallsyms. Kept: those bytes, and one typed array per
 * field for the functions in it, sorted by address. No object per symbol.
 */
import { readFileSync } from 'node:fs';
import { fileError } from '../model/error.ts';
import { readHex, readHexWord } from './hex.ts';

export interface KernelFunction {
  readonly address: bigint;
  /** The module it belongs to; undefined for the kernel itself. */
  readonly module: string | undefined;
}

const SPACE = 0x20;
const TAB = 0x09;
const NEWLINE = 0x0a;
const ADDRESS_DIGITS = 16;
/** No function is longer: an address further behind a symbol is not in it. */
const LONGEST_FUNCTION = 1n << 20n;

export class Symbols {
  readonly #text: Buffer;
  readonly #addresses: BigUint64Array;
  /** Offset of each function's name in the text. */
  readonly #names: Uint32Array;
  readonly #known = new Map<string, boolean>();

  private constructor(text: Buffer, addresses: BigUint64Array, names: Uint32Array) {
    this.#text = text;
    this.#addresses = addresses;
    this.#names = names;
  }

  /** Keeps a view of the bytes: they must not change afterwards. */
  static parse(bytes: Uint8Array): Symbols {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const { addresses, names, length } = scan(text);
    const order = new Uint32Array(length).map((_, index) => index);
    order.sort((a, b) => compare(addresses[a]!, addresses[b]!)); // stable: aliases stay in order
    return new Symbols(
      text,
      new BigUint64Array(length).map((_, index) => addresses[order[index]!]!),
      order.map((index) => names[index]!),
    );
  }

  get count(): number {
    return this.#names.length;
  }

  /** False where the kernel hides addresses from this process: names can still be found. */
  get hasAddresses(): boolean {
    return this.count > 0 && this.#addresses[this.count - 1] !== 0n;
  }

  /** Asked of the same names again and again while probes are planned: kept. */
  has(name: string): boolean {
    const isThere = this.#known.get(name) ?? this.functions(name).length > 0;
    this.#known.set(name, isThere);
    return isThere;
  }

  /** Every function of that name: static ones of two modules may share it. */
  functions(name: string): KernelFunction[] {
    return this.#lines(name)
      .filter((at) => isFunction(this.#text[at - 1]!))
      .map((at) => ({ address: this.#addressAt(at), module: this.#moduleAt(at + 1) }));
  }

  /** Address of a variable; 0 where there is none of that name, or it is hidden. */
  variable(name: string): bigint {
    const at = this.#lines(name).find((place) => !isFunction(this.#text[place - 1]!));
    return at === undefined ? 0n : this.#addressAt(at);
  }

  /** Where the name stands, with the space before it, in each line that has it. */
  #lines(name: string): number[] {
    const found: number[] = [];
    const wanted = Buffer.from(` ${name}`, 'latin1');
    let at = this.#text.indexOf(wanted);
    for (; at >= 0; at = this.#text.indexOf(wanted, at + 1)) {
      const end = this.#text[at + wanted.length];
      if (end === undefined || end === NEWLINE || end === TAB) found.push(at);
    }
    return found;
  }

  /** What the compiler made of a function: `nf_ct_delete.part.0`, `init_conntrack.isra.0`; sorted. */
  variants(name: string): string[] {
    const wanted = Buffer.from(` ${name}.`, 'latin1');
    const found = new Set<string>();
    let at = this.#text.indexOf(wanted);
    for (; at >= 0; at = this.#text.indexOf(wanted, at + 1)) {
      if (!isFunction(this.#text[at - 1]!)) continue;
      const variant = this.#text.toString('latin1', at + 1, wordEnd(this.#text, at + 1));
      if (!variant.endsWith('.cold')) found.add(variant);
    }
    return [...found].sort();
  }

  #addressAt(at: number): bigint {
    return readHex(this.#text, this.#text.lastIndexOf(NEWLINE, at) + 1);
  }

  /** `nf_hook_slow`, the function an address lies in; undefined where none does. */
  nameAt(address: bigint): string | undefined {
    const index = this.#indexAt(address);
    return index < 0 ? undefined : this.#nameOf(index);
  }

  /** Where a function's code lies: from its address to that of the next one. */
  rangeOf(name: string): { readonly begin: bigint; readonly end: bigint } | undefined {
    const begin = this.functions(name)[0]?.address;
    if (begin === undefined || !this.hasAddresses) return undefined;
    const next = this.#addresses.find((address) => address > begin);
    return { begin, end: next ?? begin + LONGEST_FUNCTION };
  }

  /** `nf_hook_slow+0x42`. */
  describe(address: bigint): string | undefined {
    const index = this.#indexAt(address);
    if (index < 0) return undefined;
    return `${this.#nameOf(index)}+0x${(address - this.#addresses[index]!).toString(16)}`;
  }

  /** The last function at or below the address, the first one of several at the same place. */
  #indexAt(address: bigint): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#addresses[middle]! <= address) low = middle + 1;
      else high = middle;
    }
    const last = low - 1;
    const start = this.#addresses[last];
    if (!this.hasAddresses || start === undefined || address - start > LONGEST_FUNCTION) return -1;
    let first = last;
    while (first > 0 && this.#addresses[first - 1] === start) first--;
    return first;
  }

  #nameOf(index: number): string {
    const start = this.#names[index]!;
    return this.#text.toString('latin1', start, wordEnd(this.#text, start));
  }

  #moduleAt(name: number): string | undefined {
    const end = wordEnd(this.#text, name);
    if (this.#text[end] !== TAB) return undefined;
    return this.#text.toString('latin1', end + 2, wordEnd(this.#text, end + 1) - 1); // \t[name]
  }
}

/** The functions of this kernel, those of loaded modules included. */
export function loadSymbols(path = '/proc/kallsyms'): Symbols {
  try {
    return Symbols.parse(readFileSync(path));
  } catch (error) {
    throw fileError('read', path, error);
  }
}

/** Lines are `ffffffff81f285d0 T nf_hook_slow` and, in a module, `\t[nf_nat]` behind. */
function scan(text: Buffer): { addresses: BigUint64Array; names: Uint32Array; length: number } {
  const most = Math.ceil(text.length / (ADDRESS_DIGITS + 4));
  const addresses = new BigUint64Array(most);
  const words = new Uint32Array(addresses.buffer);
  const names = new Uint32Array(most);
  let length = 0;
  for (let at = 0; at + ADDRESS_DIGITS + 3 < text.length; ) {
    const end = text.indexOf(NEWLINE, at);
    if (text[at + ADDRESS_DIGITS] === SPACE && isFunction(text[at + ADDRESS_DIGITS + 1]!)) {
      words[length * 2 + 1] = readHexWord(text, at);
      words[length * 2] = readHexWord(text, at + 8);
      names[length++] = at + ADDRESS_DIGITS + 3;
    }
    at = end < 0 ? text.length : end + 1;
  }
  return { addresses, names, length };
}

/** t, T, w, W: code. The rest is data. */
function isFunction(type: number): boolean {
  const lower = type | 0x20;
  return lower === 0x74 || lower === 0x77;
}

function wordEnd(text: Buffer, start: number): number {
  let end = start;
  while (end < text.length && text[end] !== NEWLINE && text[end] !== TAB) end++;
  return end;
}

const compare = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0);
