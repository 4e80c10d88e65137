/**
 * Lines of /proc/net/nf_conntrack (ct_seq_show in nf_conntrack_standalone.c) and
 * of `conntrack -L -o extended`, which writes the same ones.
 */
import { canonicalAddress } from '../model/address.ts';
import type { Both, Entry, EntryTuple } from '../model/entry.ts';

/** Undefined: a line that is no entry. */
export function parseEntryLine(line: string): Entry | undefined {
  const head = /^ipv([46])\s+\d+\s+\S+\s+(\d+)\s+(\d+\s)?(.*)$/.exec(line.trim());
  if (head === null) return undefined;
  const [, family, protocol, timeout, rest = ''] = head;
  const words = rest.split(/\s+/).filter((word) => word !== '');
  const tuples = tuplesOf(words);
  if (tuples === undefined) return undefined;
  const [original, reply] = tuples;
  const zone = numberOf(words, 'zone') ?? 0;
  return {
    family: family === '6' ? 6 : 4,
    protocol: Number(protocol),
    ...{ original, reply },
    zones: [numberOf(words, 'zone-orig') ?? zone, numberOf(words, 'zone-reply') ?? zone],
    mark: numberOf(words, 'mark') ?? 0,
    isExpected: null,
    status: words.filter((word) => /^(\[\w+\]|[A-Z][A-Z_0-9]+)$/.test(word)).join(' '),
    timeoutS: timeout === undefined ? null : Number(timeout),
    packets: bothOf(words, 'packets'),
    bytes: bothOf(words, 'bytes'),
    ageS: numberOf(words, 'delta-time') ?? null,
  };
}

export function parseEntries(text: string): Entry[] {
  return text.split('\n').flatMap((line) => parseEntryLine(line) ?? []);
}

/** Each tuple begins with its source address. */
function tuplesOf(words: readonly string[]): readonly [EntryTuple, EntryTuple] | undefined {
  const first = words.findIndex((word) => word.startsWith('src='));
  const second = words.findIndex((word, index) => index > first && word.startsWith('src='));
  if (first < 0 || second < 0) return undefined;
  return [tupleOf(words.slice(first, second)), tupleOf(words.slice(second))];
}

function tupleOf(words: readonly string[]): EntryTuple {
  const type = numberOf(words, 'type');
  const place = {
    src: canonicalAddress(textOf(words, 'src') ?? ''),
    dst: canonicalAddress(textOf(words, 'dst') ?? ''),
  };
  if (type !== undefined) {
    const code = numberOf(words, 'code') ?? 0;
    return { ...place, srcPort: numberOf(words, 'id') ?? 0, dstPort: type * 256 + code };
  }
  const srcPort = numberOf(words, 'sport') ?? numberOf(words, 'srckey') ?? 0;
  return { ...place, srcPort, dstPort: numberOf(words, 'dport') ?? numberOf(words, 'dstkey') ?? 0 };
}

function textOf(words: readonly string[], name: string): string | undefined {
  return words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);
}

function numberOf(words: readonly string[], name: string): number | undefined {
  const text = textOf(words, name);
  return text === undefined ? undefined : Number(text);
}

function bothOf(words: readonly string[], name: string): Both | null {
  const found = words.filter((word) => word.startsWith(`${name}=`));
  if (found.length !== 2) return null;
  const [original = 0, reply = 0] = found.map((word) => Number(word.slice(name.length + 1)));
  return [original, reply];
}
