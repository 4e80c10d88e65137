/**
 * What a subject's instructions are made of, function by function: exact, for
 * every block of code was counted. In: what the instruction counter wrote at
 * two marks, and the guest's own tables of symbols and memory.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runTool } from '../../../src/lab/tool.ts';

export interface Symbol {
  readonly at: bigint;
  readonly name: string;
}

/** A part of the subject's memory. */
interface Region {
  readonly from: bigint;
  readonly to: bigint;
  /** Where the file it shows would begin. */
  readonly base: bigint;
  readonly path: string;
}

export interface Line {
  readonly place: string;
  readonly perPacket: number;
}

const UPPER_HALF = 1n << 63n;

/** By address: instructions between two marks. */
export function executedBetween(before: string, after: string): Map<bigint, number> {
  const sums = new Map<bigint, number>();
  for (const [text, sign] of [[after, 1] as const, [before, -1] as const]) {
    for (const line of text.split('\n').filter(Boolean)) {
      const [address, count] = line.split(' ');
      const at = BigInt(`0x${address}`);
      sums.set(at, (sums.get(at) ?? 0) + sign * Number(count));
    }
  }
  return sums;
}

/** Lines that begin with an address and end with a name: of kallsyms, nm, and perf maps. */
export function parseSymbols(text: string): Symbol[] {
  const symbols = text.split('\n').flatMap((line) => {
    const [, address, name] = /^([0-9a-f]+) \S+ (.+)$/i.exec(line) ?? [];
    return address && name ? [{ at: BigInt(`0x${address}`), name }] : [];
  });
  return symbols.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}

/** The last one at or below. */
export function symbolAt(symbols: readonly Symbol[], address: bigint): string | undefined {
  let [low, high] = [0, symbols.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (symbols[middle]!.at <= address) low = middle + 1;
    else high = middle;
  }
  return symbols[low - 1]?.name;
}

function parseRegions(text: string): Region[] {
  return text.split('\n').flatMap((line) => {
    const [range, , offset, , , path = ''] = line.split(/\s+/);
    const [from, to] = (range ?? '').split('-').map((word) => BigInt(`0x${word || 0}`));
    if (from === undefined || to === undefined || offset === undefined) return [];
    return [{ from, to, base: from - BigInt(`0x${offset}`), path }];
  });
}

/** Symbols of a program are where they run, those of a library relative to its begin. */
async function symbolsOf(path: string, base: bigint): Promise<Symbol[]> {
  const whole = await runTool(['nm', '-C', '--defined-only', path], { timeoutMs: 120_000 });
  const text = whole.stdout || (await runTool(['nm', '-DC', '--defined-only', path])).stdout;
  const symbols = parseSymbols(text);
  const isFixed = base === 0x400000n; // linked to run there
  return isFixed ? symbols : symbols.map(({ at, name }) => ({ at: at + base, name }));
}

async function readSymbols(folder: string) {
  const read = (name: string) => readFile(join(folder, name), 'utf8').catch(() => '');
  const maps = (await readdir(folder)).filter((name) => /^perf-\d+\.map$/.test(name));
  const texts = await Promise.all(maps.map(read));
  return {
    kernel: parseSymbols((await read('kallsyms')).replaceAll('\t', ' ')),
    compiled: parseSymbols(texts.join('\n')),
    regions: parseRegions(await read('maps')),
  };
}

/** Sums by where the code is; compiled code also by how well it is compiled, as the names say. */
export function sumsByKind(lines: readonly Line[]): Line[] {
  const sums = new Map<string, number>();
  for (const { place, perPacket } of lines) {
    const [, kind = place] = /^(.*?:(?: JS:[*^~]?)?)/.exec(place) ?? [];
    sums.set(kind, (sums.get(kind) ?? 0) + perPacket);
  }
  return [...sums]
    .map(([place, perPacket]) => ({ place: `all of ${place}`, perPacket }))
    .sort((a, b) => b.perPacket - a.perPacket);
}

/** The functions that took most, per packet. */
export async function profile(
  executed: ReadonlyMap<bigint, number>,
  folder: string,
  packets: number,
): Promise<Line[]> {
  const { kernel, compiled, regions } = await readSymbols(folder);
  const files = new Map<string, Symbol[]>();
  const sums = new Map<string, number>();
  for (const [address, count] of executed) {
    const place = await placeOf(address);
    sums.set(place, (sums.get(place) ?? 0) + count);
  }
  async function placeOf(address: bigint): Promise<string> {
    if (address >= UPPER_HALF) return `kernel: ${symbolAt(kernel, address) ?? '?'}`;
    const region = regions.find(({ from, to }) => from <= address && address < to);
    if (!region?.path.startsWith('/')) return `compiled: ${symbolAt(compiled, address) ?? '?'}`;
    const known = files.get(region.path) ?? (await symbolsOf(region.path, region.base));
    files.set(region.path, known);
    return `${region.path.split('/').at(-1)}: ${symbolAt(known, address) ?? '?'}`;
  }
  return [...sums]
    .map(([place, count]) => ({ place, perPacket: count / packets }))
    .sort((a, b) => b.perPacket - a.perPacket);
}
