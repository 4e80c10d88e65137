/** An entry as aligned columns, for people. */
import { protocolName } from '../model/codes.ts';
import { byteAt, ENTRY_NEWS, EntryHas, EntryWord } from '../model/entry-row.ts';
import { idleAt, type Timeouts } from '../table/entry-idle.ts';
import { protocolAt } from '../table/entry-nat.ts';
import type { LabelNames } from '../table/entry-values.ts';
import {
  ageAt,
  type EntryMemory,
  helperAt,
  type IsLocal,
  labelsText,
  lifeAt,
  natAt,
  stateAt,
  totalAt,
  tupleAt,
} from '../table/show-text.ts';

const WIDTHS = [8, 13, 9, 8, 8, 8, 9, 10, 46] as const;
const NAMES = [
  'protocol',
  'state',
  'replies',
  'ends in',
  'idle',
  'age',
  'packets',
  'bytes',
  'original',
];

export const HEAD = `${columns(NAMES)}  translated`;

/** In front of the others, where they are of news. */
const NEWS_WIDTH = 8;
export const NEWS_HEAD = `${'news'.padEnd(NEWS_WIDTH)} ${HEAD}`;

/** `NEW`, `UPDATE`, `DESTROY`: the words of conntrack -E. */
export function newsColumn(words: Int32Array, at: number): string {
  const news = ENTRY_NEWS[byteAt(words, at + EntryWord.kind, 3)] ?? '';
  return `${news.toUpperCase().padEnd(NEWS_WIDTH)} `;
}

/** What an entry alone does not tell. */
export interface Surroundings {
  readonly isLocal: IsLocal;
  readonly timeouts: Timeouts;
  readonly labels: LabelNames;
}

/** A text that is too long pushes what follows. */
function columns(texts: readonly string[]): string {
  return texts.map((text, index) => text.padEnd(WIDTHS[index] ?? 0)).join(' ');
}

export function entryColumns(
  memory: EntryMemory,
  at: number,
  nowNs: bigint,
  around: Surroundings,
): string {
  const { words, bytes } = memory;
  const { isLocal, timeouts, labels } = around;
  const has = words[at + EntryWord.has]!;
  const age = ageAt(words, at, nowNs);
  const idle = idleAt(words, at, timeouts, nowNs);
  const mark = words[at + EntryWord.mark]! >>> 0;
  const helper = helperAt(bytes, at);
  const notes = [
    ...[natAt(memory, at, isLocal), mark === 0 ? '' : `mark ${mark}`, zoneText(words, at)],
    ...[helper === '' ? '' : `helper ${helper}`, labelsText(words, at, labels)],
  ];
  return `${columns([
    protocolName(protocolAt(words, at)),
    (stateAt(words, at) ?? '-').toLowerCase(),
    lifeAt(words, at),
    has & EntryHas.timeout ? spanText(words[at + EntryWord.timeoutS]! >>> 0) : '-',
    idle === null ? '-' : spanText(idle),
    age === null ? '-' : spanText(age),
    String(totalAt(words, at, 'packets') ?? '-'),
    String(totalAt(words, at, 'bytes') ?? '-'),
    tupleAt(memory, at, 0),
  ])}  ${notes.filter((note) => note !== '').join('; ')}`.trimEnd();
}

function zoneText(words: Int32Array, at: number): string {
  const has = words[at + EntryWord.has]!;
  const zones = words[at + EntryWord.zones]!;
  if (has & EntryHas.zone) return `zone ${zones & 0xffff}`;
  if (has & EntryHas.zoneOrig) return `zone ${zones >>> 16} (original)`;
  return has & EntryHas.zoneReply
    ? `zone ${words[at + EntryWord.zoneReply]! & 0xffff} (reply)`
    : '';
}

/** `59s`, `3m20s`, `4h05m`, `5d00h`. */
export function spanText(seconds: number): string {
  const two = (value: number, unit: string): string => `${String(value).padStart(2, '0')}${unit}`;
  const s = Math.floor(seconds);
  if (s < 60) return `${s}s`;
  if (s < 3600) return `${Math.floor(s / 60)}m${two(s % 60, 's')}`;
  if (s < 86_400) return `${Math.floor(s / 3600)}h${two(Math.floor((s % 3600) / 60), 'm')}`;
  return `${Math.floor(s / 86_400)}d${two(Math.floor((s % 86_400) / 3600), 'h')}`;
}
