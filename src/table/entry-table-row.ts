/** Rows of the shim to rows of the table `entries` (model/entries-table.ts). */
import { Status } from '../model/codes.ts';
import { ENTRIES } from '../model/entries-table.ts';
import { byteAt, EntryHas, EntryWord, halfAt } from '../model/entry-row.ts';
import { layoutOf } from '../model/row-layout.ts';
import { NameTable, RowBuffer } from '../model/rows.ts';
import { dstManip, srcManip } from './entry-nat.ts';
import { type TracedValues, writeTraced } from './entry-traced.ts';
import { zoneAt } from './entry-zone.ts';
import { type EntryMemory, helperAt, labelBits, stateAt } from './show-text.ts';

const layout = layoutOf(ENTRIES);
const AT = {
  ...{ netns: layout.at('netns'), readAt: layout.at('read_at'), news: layout.at('news') },
  ...{ family: layout.at('family'), protocol: layout.at('protocol'), src: layout.at('src') },
  ...{ srcReply: layout.at('src_reply'), zone: layout.at('zone'), mark: layout.at('mark') },
  zoneDirection: layout.at('zone_direction'),
  ...{ srcNat: layout.at('src_nat'), dstNat: layout.at('dst_nat') },
  expected: layout.at('expected'),
} as const;

/** Columns of one word that a message need not have: name, bit, word. */
const WORDS = [
  ['status', EntryHas.status, EntryWord.status],
  ['timeout_s', EntryHas.timeout, EntryWord.timeoutS],
  ['id', EntryHas.id, EntryWord.id],
  ['use', EntryHas.use, EntryWord.use],
] as const;
/** The same of two words. */
const PAIRS = [
  ['packets', EntryHas.origCounts, EntryWord.packets],
  ['packets_reply', EntryHas.replyCounts, EntryWord.packets + 2],
  ['bytes', EntryHas.origCounts, EntryWord.bytes],
  ['bytes_reply', EntryHas.replyCounts, EntryWord.bytes + 2],
  ['started_at', EntryHas.start, EntryWord.startNs],
  ['ended_at', EntryHas.stop, EntryWord.stopNs],
] as const;

const placed = <Row extends readonly [string, number, number]>(rows: readonly Row[]) =>
  rows.map(([name, bit, word]) => ({
    ...{ bit, word, at: layout.at(name), index: layout.index(name) },
  }));
const PLACED_WORDS = placed(WORDS);
const PLACED_PAIRS = placed(PAIRS);

/** Collects rows, with the names they refer to. */
export class EntryTableRows {
  readonly names = new NameTable();
  readonly buffer: RowBuffer;
  private readonly netns: number;

  constructor(netns: number, capacity: number) {
    this.netns = netns;
    this.buffer = new RowBuffer(ENTRIES, capacity);
  }

  /** `readAtNs`: since 1970 UTC; `traced`: what a trace knows of it. The caller sees to the room. */
  add(memory: EntryMemory, from: number, readAtNs: bigint, traced?: TracedValues): void {
    const { words } = memory;
    const to = this.buffer.words;
    const at = this.buffer.next();
    const has = words[from + EntryWord.has]!;
    to[at + AT.netns] = this.netns | 0;
    to[at + AT.readAt] = Number(BigInt.asIntN(32, readAtNs));
    to[at + AT.readAt + 1] = Number(BigInt.asIntN(32, readAtNs >> 32n));
    to[at + AT.news] = byteAt(words, from, 3);
    to[at + AT.family] = byteAt(words, from, 0);
    to[at + AT.protocol] = byteAt(words, from, 1);
    this.addTuple(words, from, at + AT.src, EntryWord.origSrc, EntryWord.origPorts);
    this.addTuple(words, from, at + AT.srcReply, EntryWord.replySrc, EntryWord.replyPorts);
    const { id, direction } = zoneAt(words, from);
    to[at + AT.zone] = id;
    to[at + AT.zoneDirection] = direction;
    to[at + AT.mark] = words[from + EntryWord.mark]!;
    const src = srcManip(words, from);
    const dst = dstManip(words, from);
    to[at + AT.srcNat] = Number(src.isAddress || src.isPort);
    to[at + AT.dstNat] = Number(dst.isAddress || dst.isPort);
    to[at + AT.expected] = Number((words[from + EntryWord.status]! & Status.expected) !== 0);
    this.addOptional(words, from, at, has);
    this.addNames(memory, from, at, has);
    writeTraced(to, at, this.names, traced);
  }

  /** Source, destination (four words each), and their ports. */
  private addTuple(words: Int32Array, from: number, to: number, src: number, ports: number): void {
    const out = this.buffer.words;
    for (let index = 0; index < 8; index++) out[to + index] = words[from + src + index]!;
    out[to + 8] = halfAt(words, from + ports, 0);
    out[to + 9] = halfAt(words, from + ports, 1);
  }

  private addOptional(words: Int32Array, from: number, at: number, has: number): void {
    const to = this.buffer.words;
    for (const place of PLACED_WORDS) {
      if (has & place.bit) to[at + place.at] = words[from + place.word]!;
      else this.setNull(at, place.index);
    }
    for (const place of PLACED_PAIRS) {
      if (!(has & place.bit)) {
        this.setNull(at, place.index);
        continue;
      }
      to[at + place.at] = words[from + place.word]!;
      to[at + place.at + 1] = words[from + place.word + 1]!;
    }
  }

  private addNames({ words, bytes }: EntryMemory, from: number, at: number, has: number): void {
    const labels = has & EntryHas.labels ? labelBits(words, from).join(',') : '';
    const helper = has & EntryHas.helper ? helperAt(bytes, from) : '';
    this.addName(at, 'state', stateAt(words, from) ?? '');
    this.addName(at, 'labels', labels);
    this.addName(at, 'helper', helper);
  }

  private addName(at: number, column: 'state' | 'labels' | 'helper', name: string): void {
    if (name === '') this.setNull(at, layout.index(column));
    else this.buffer.words[at + layout.at(column)] = this.names.numberOf(name);
  }

  private setNull(at: number, index: number): void {
    this.buffer.words[at + (index >>> 5)]! |= 1 << (index & 31);
  }
}
