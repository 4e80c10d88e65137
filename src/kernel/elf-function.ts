/** Another body for a function of a compiled eBPF object, in the object's bytes. */
import { TraceError } from '../model/error.ts';
import { elfSection, textAt } from './elf.ts';

/** struct elf64_sym, as <elf.h> has it. */
const SYMBOL = { bytes: 24, name: 0, info: 4, value: 8, size: 16 };
const STT_FUNC = 2;

interface Found {
  /** Within the bytes of the object. */
  readonly symbol: number;
  /** Within `.text`. */
  readonly start: number;
  readonly size: number;
}

/**
 * Only for functions of `.text`, which no program calls but by a relocation
 * within it, and which need no relocation themselves. The symbol's size is the
 * function's: what is left of the old body belongs to none.
 */
export function replaceFunction(object: Uint8Array, name: string, instructions: Uint8Array): void {
  const found = findFunction(object, name);
  if (instructions.length > found.size) {
    throw new TraceError(
      'unsupported',
      `${name} of ${instructions.length} bytes, ${found.size} is the most`,
    );
  }
  need(elfSection(object, '.text'), '.text').set(instructions, found.start);
  new DataView(object.buffer, object.byteOffset).setBigUint64(
    found.symbol + SYMBOL.size,
    BigInt(instructions.length),
    true,
  );
}

export function findFunction(object: Uint8Array, name: string): Found {
  const symbols = need(elfSection(object, '.symtab'), '.symtab');
  const names = need(elfSection(object, '.strtab'), '.strtab');
  const view = new DataView(symbols.buffer, symbols.byteOffset, symbols.byteLength);
  for (let at = 0; at + SYMBOL.bytes <= symbols.length; at += SYMBOL.bytes) {
    if ((symbols[at + SYMBOL.info]! & 15) !== STT_FUNC) continue;
    if (textAt(names, view.getUint32(at + SYMBOL.name, true)) !== name) continue;
    return {
      symbol: symbols.byteOffset - object.byteOffset + at,
      start: Number(view.getBigUint64(at + SYMBOL.value, true)),
      size: Number(view.getBigUint64(at + SYMBOL.size, true)),
    };
  }
  return need<Found>(undefined, `function ${name}`);
}

function need<T>(part: T | undefined, what: string): T {
  if (part !== undefined) return part;
  throw new TraceError('corrupt', `the object has no ${what}`, {
    hint: 'build it again, or install the package again',
  });
}
