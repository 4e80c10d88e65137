/** Records of modules: trace_module_load() and trace_module_free() of the kernel. */
import type { ModuleChange } from '../model/probe-change.ts';
import { RecordFlag, record } from '../wire/layout.ts';
import { Shift, Word } from '../wire/words.ts';

const NAME_BYTES = 32;

/** The record at a word. */
export function moduleChange(words: Int32Array, at: number): ModuleChange {
  const bytes = Buffer.from(words.buffer, words.byteOffset + at * 4 + record.src, NAME_BYTES);
  const end = bytes.indexOf(0);
  const flags = words[at + Word.flags]! >>> Shift.flags;
  return {
    name: bytes.toString('latin1', 0, end < 0 ? NAME_BYTES : end),
    isGone: (flags & RecordFlag.moduleGone) !== 0,
  };
}
