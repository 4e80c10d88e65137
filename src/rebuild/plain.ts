/**
 * Most records: the first about their packet, of a known flow, with tuples that
 * its entry has. They are staged in one loop, without a call for each.
 */
import { Staged } from '../libbpf/columns.ts';
import { Hook } from '../model/codes.ts';
import { RecordFlag, RecordKind } from '../wire/layout.ts';
import { recordWords, Shift, Word } from '../wire/words.ts';
import { FlowExtra } from './flow-columns.ts';
import type { FlowStore } from './flow-store.ts';
import { type PacketRows, placeOf } from './packet-rows.ts';
import type { Stage } from './stage.ts';

/** How a packet left stands in its entry, or is how it came. */
export const LEFT_BY_ENTRY = RecordFlag.packetLeftAsCame | RecordFlag.packetLeftAsMapped;

const CAME_PLAINLY = RecordFlag.packetCameAsFlow | RecordFlag.packetHadEntry;

function isPlain(words: Int32Array, at: number): boolean {
  const flags = words[at + Word.flags]! >>> Shift.flags;
  const hook = (words[at + Word.visits]! >>> 8) & 0xff;
  return (
    ((words[at + Word.kind]! >>> Shift.kind) & 0xff) === RecordKind.traversal &&
    (hook === Hook.prerouting || hook === Hook.output) &&
    (flags & CAME_PLAINLY) === RecordFlag.packetCameAsFlow &&
    (flags & LEFT_BY_ENTRY) !== 0
  );
}

/**
 * Stages the stage's records from word `at` on, as Packets.saw() would, as far as they
 * are plain, the stage has room, and `end` is not reached. Returns the word of
 * the first one that is not staged.
 */
export function stagePlain(
  stage: Stage,
  store: FlowStore,
  rows: PacketRows,
  at: number,
  end: number,
): number {
  const { words, staged, room, relyingMark } = stage;
  const { places } = rows;
  const flows = store.words;
  const { extra } = store;
  let next = at;
  let left = room;
  let to = stage.count * Staged.words;
  let number = rows.begun;
  for (; next < end && left > 0; next += recordWords, left--) {
    if (!isPlain(words, next)) break;
    const flow = store.rowOfKnown(words[next + Word.flow]!, words[next + Word.flow + 1]!);
    if (flow < 0) break;
    const own = flow + extra;
    flows[own + FlowExtra.lastAt] = words[next + Word.ktime]!;
    flows[own + FlowExtra.lastAt + 1] = words[next + Word.ktime + 1]!;
    flows[own + FlowExtra.staged] = relyingMark;
    staged[to + Staged.record] = next;
    staged[to + Staged.flow] = flow;
    staged[to + Staged.noted] = 0;
    staged[to + Staged.late] = 0;
    to += Staged.words;
    const skbLow = words[next + Word.skb]!;
    const place = placeOf(skbLow);
    places[place] = skbLow;
    places[place + 1] = words[next + Word.skb + 1]!;
    places[place + 2] = ++number;
  }
  stage.advance(room - left);
  rows.advance(room - left);
  return next;
}
