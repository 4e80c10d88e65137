/** What tells one copy of a capture from another, changed alike in each of its records. */
import { RecordKind } from '../../src/wire/layout.ts';
import { Shift, Word } from '../../src/wire/words.ts';

const FIRST_EPHEMERAL_PORT = 32_768;

/** Another sk_buff, flow, network and ephemeral ports; none at all stays none. */
export function shift(words: Int32Array, at: number, copy: number, flows: number): void {
  const kind = (words[at + Word.kind]! >>> Shift.kind) & 0xff;
  moveFlow(words, at, copy * flows);
  if (kind !== RecordKind.flow && words[at + Word.skb + 1] !== 0) {
    words[at + Word.skb + 1]! += copy * 16;
    words[at + Word.skb]! ^= (copy & 0xfff) << 20; // the rebuild finds packets by the lower half
  }
  if (kind !== RecordKind.traversal) moveTuple(words, at, copy);
}

/** Flows are numbered from 1 on; these are few enough for one word. */
export function moveFlow(words: Int32Array, at: number, by: number): void {
  if (words[at + Word.flow] !== 0) words[at + Word.flow]! += by;
}

/** By `by`, modulo 2^64: times that stand in a record beside its own. */
export function moveTimes(words: Int32Array, at: number, by: bigint): void {
  const kind = (words[at + Word.kind]! >>> Shift.kind) & 0xff;
  const move = (word: number): void => {
    const pair = new BigInt64Array(1);
    const halves = new Int32Array(pair.buffer);
    halves.set(words.subarray(at + word, at + word + 2));
    pair[0]! += by;
    words.set(halves, at + word);
  };
  move(Word.ktime);
  if (kind === RecordKind.traversal) move(Word.started);
  if (kind === RecordKind.flow) move(Word.first);
}

function moveTuple(words: Int32Array, at: number, copy: number): void {
  for (const address of [at + Word.src, at + Word.dst]) {
    if (words[address + 3] !== 0) words[address + 3]! ^= (copy & 0xff) << 8;
  }
  const l4proto = (words[at + Word.l4proto]! >>> Shift.l4proto) & 0xff;
  if (l4proto !== 6 && l4proto !== 17) return;
  const ports = words[at + Word.srcPort]!;
  words[at + Word.srcPort] =
    otherPort(ports & 0xffff, copy) | (otherPort(ports >>> 16, copy) << 16);
}

function otherPort(port: number, copy: number): number {
  if (port < FIRST_EPHEMERAL_PORT) return port;
  return FIRST_EPHEMERAL_PORT + ((port - FIRST_EPHEMERAL_PORT + copy * 977) % 32_768);
}
