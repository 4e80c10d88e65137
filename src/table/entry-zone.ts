/** The conntrack zone of an entry. */
import { EntryHas, EntryWord, halfAt } from '../model/entry-row.ts';

export interface Zone {
  readonly id: number;
  /** Whose packets it is for: index into ZONE_DIRECTIONS. */
  readonly direction: 0 | 1 | 2;
}

export function zoneAt(words: Int32Array, at: number): Zone {
  const has = words[at + EntryWord.has]!;
  if (has & EntryHas.zoneOrig) return { id: halfAt(words, at + EntryWord.zones, 1), direction: 1 };
  if (has & EntryHas.zoneReply) {
    return { id: halfAt(words, at + EntryWord.zoneReply, 0), direction: 2 };
  }
  return { id: halfAt(words, at + EntryWord.zones, 0), direction: 0 };
}
