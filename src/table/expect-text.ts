/** Fields of an expectation's row as text, for people. */
import { addressText, endText } from '../model/address.ts';
import { byteAt, halfAt } from '../model/entry-row.ts';
import {
  addressesWord,
  ExpectFlag,
  ExpectHas,
  ExpectTuple,
  ExpectWord,
  portsBit,
  portsWord,
  tupleBit,
} from '../model/expect-row.ts';
import type { EntryMemory } from './show-text.ts';

/** Empty: none. */
export function expectHelperAt(bytes: Uint8Array, at: number): string {
  const from = (at + ExpectWord.helper) * 4;
  const name = bytes.subarray(from, from + 16);
  const end = name.indexOf(0);
  return Buffer.from(name.subarray(0, end < 0 ? 16 : end)).toString('latin1');
}

/** Whether no bit of a port of the flow to come counts: 0 the source, 1 the destination. */
export function anyPort(words: Int32Array, at: number, high: 0 | 1): boolean {
  const isMasked = (words[at + ExpectWord.has]! & portsBit(ExpectTuple.mask)) !== 0;
  return isMasked && halfAt(words, at + portsWord(ExpectTuple.mask), high) === 0;
}

/** `10.0.1.2:20 > 10.0.1.9:51210`; a port that may be any is `*`, an address of which some bits count has them behind. */
export function expectTupleAt(memory: EntryMemory, at: number, tuple: ExpectTuple): string {
  const { words } = memory;
  const isExpected = tuple === ExpectTuple.expected;
  const isPorted = (words[at + ExpectWord.has]! & portsBit(tuple)) !== 0;
  const end = (high: 0 | 1): string => {
    const address = addressText(memory.bytes, (at + addressesWord(tuple) + high * 4) * 4);
    const masked = isExpected && high === 0 ? address + maskText(memory, at) : address;
    if (!isPorted) return masked;
    if (!(isExpected && anyPort(words, at, high))) {
      return endText(masked, halfAt(words, at + portsWord(tuple), high), true);
    }
    return masked.includes(':') ? `[${masked}]:*` : `${masked}:*`;
  };
  return `${end(0)} > ${end(1)}`;
}

/** `/255.255.255.0` where not all bits of the source address count. */
function maskText({ words, bytes }: EntryMemory, at: number): string {
  if (!(words[at + ExpectWord.has]! & tupleBit(ExpectTuple.mask))) return '';
  const word = at + addressesWord(ExpectTuple.mask);
  const isWhole = [0, 1, 2, 3].every((index) => words[word + index] === -1);
  if (isWhole || (byteAt(words, at, 0) === 4 && words[word + 3] === -1)) return '';
  return `/${addressText(bytes, word * 4)}`;
}

/** `PERMANENT`, `INACTIVE`, `USERSPACE`, as conntrack(8) has them. */
export function expectFlagsAt(words: Int32Array, at: number): string[] {
  const flags = words[at + ExpectWord.flags]!;
  return Object.entries(ExpectFlag).flatMap(([name, bit]) =>
    flags & bit ? [name.toUpperCase()] : [],
  );
}

/** Where NAT sends the flow that comes; the kernel says 0 for what stays as it is. */
export function natEndAt({ words, bytes }: EntryMemory, at: number) {
  const word = at + addressesWord(ExpectTuple.nat);
  const from = byteAt(words, at, 0) === 4 ? word + 3 : word;
  const hasAddress = words.subarray(from, word + 4).some((part) => part !== 0);
  const hasPort = (words[at + ExpectWord.has]! & portsBit(ExpectTuple.nat)) !== 0;
  return {
    address: hasAddress ? addressText(bytes, word * 4) : null,
    port: hasPort ? halfAt(words, at + portsWord(ExpectTuple.nat), 0) : 0,
  };
}

/** Empty: nowhere else. */
export function expectNatText(memory: EntryMemory, at: number): string {
  const { address, port } = natEndAt(memory, at);
  if (address !== null) return `NAT to ${endText(address, port, port !== 0)}`;
  return port === 0 ? '' : `NAT to port ${port}`;
}

export function expectZoneAt(words: Int32Array, at: number): string {
  if (!(words[at + ExpectWord.has]! & ExpectHas.zone)) return '';
  return `zone ${halfAt(words, at + ExpectWord.zone, 0)}`;
}
