/** What tells one copy of a capture from another, changed alike in each of its records. */
import { RecordFlag, RecordKind, record } from '../../src/wire/layout.ts';
import { Shift, Word } from '../../src/wire/words.ts';

const FIRST_EPHEMERAL_PORT = 32_768;

/** Another sk_buff, flow, network and ephemeral ports; none at all stays none. */
export function shift(words: Int32Array, at: number, copy: number, flows: number): void {
  if (words[at + Word.skb + 1] !== 0) words[at + Word.skb + 1]! += copy * 16;
  moveFlow(words, at, copy * flows);
  for (const address of [at + Word.src, at + Word.dst]) {
    if (words[address + 3] !== 0) words[address + 3]! ^= (copy & 0xff) << 8;
  }
  const l4proto = (words[at + Word.l4proto]! >>> Shift.l4proto) & 0xff;
  if (l4proto !== 6 && l4proto !== 17) return;
  const ports = words[at + Word.srcPort]!;
  words[at + Word.srcPort] =
    otherPort(ports & 0xffff, copy) | (otherPort(ports >>> 16, copy) << 16);
}

/** Flows are numbered from 1 on; these are few enough for one word. */
export function moveFlow(words: Int32Array, at: number, by: number): void {
  if (words[at + Word.flow] !== 0) words[at + Word.flow]! += by;
  const kind = (words[at + Word.kind]! >>> Shift.kind) & 0xff;
  const flags = (words[at + Word.flags]! >>> Shift.flags) & 0xffff;
  if (kind === RecordKind.confirm && flags & RecordFlag.confirmMerged) {
    words[at + (record.confirmIntoLo >>> 2)]! += by;
  }
}

function otherPort(port: number, copy: number): number {
  if (port < FIRST_EPHEMERAL_PORT) return port;
  return FIRST_EPHEMERAL_PORT + ((port - FIRST_EPHEMERAL_PORT + copy * 977) % 32_768);
}
