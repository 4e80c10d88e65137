/** Records of failures, judged, to rows of `failures`. */
import { Cause, COUNTERS } from '../model/failure-codes.ts';
import { layoutOf } from '../model/row-layout.ts';
import type { NameTable, RowBuffer } from '../model/rows.ts';
import { FAILURES } from '../model/tables.ts';
import { FailureFlag, FailureKind } from '../wire/layout.ts';
import { Shift, Word } from '../wire/words.ts';
import { BatchRows } from './batch-rows.ts';
import { errorText, type Fate, flagsOf, judge, kindOf } from './failure-cause.ts';
import { Flow as Col, FlowNull } from './flow-columns.ts';
import type { FlowStore } from './flow-store.ts';
import { clearNull, copyAddress, copyPair, isNull, setNull } from './row-words.ts';

const { at, index } = layoutOf(FAILURES);
const BATCH_ROWS = 4096;
const NO_HOOK = 255;
const NULLABLE = FAILURES.columns.flatMap(({ nullable }, place) => (nullable ? [place] : []));

/** Something that failed, and what has come of it so far. */
export interface Failed {
  /** Its RECORD_FAILURE, a copy. */
  readonly words: Int32Array;
  fate: Fate;
  /** What NAT could choose from: the RECORD_FAILURE of kind range. */
  readonly range: Int32Array | undefined;
  /** False: the packet came to no entry, and so to no zone. */
  readonly hasZone: boolean;
}

export class FailureRows {
  private readonly rows: BatchRows;
  private readonly names: NameTable;
  private readonly store: FlowStore;

  constructor(names: NameTable, store: FlowStore, onRows: (rows: RowBuffer) => void) {
    this.rows = new BatchRows(FAILURES, BATCH_ROWS, onRows);
    this.names = names;
    this.store = store;
  }

  /** Hands over the rows that there are. */
  flush(): void {
    this.rows.flush();
  }

  /** Returns the counters that it moved. */
  write(failed: Failed, said: string | undefined): readonly string[] {
    const { words, fate } = failed;
    const { cause, knownBy } = judge(words, said, fate);
    const counters = COUNTERS[cause] ?? [];
    const kind = kindOf(words);
    const row = this.rows.next();
    const to = this.rows.words;
    for (const place of NULLABLE) setNull(to, row, place);
    copyPair(words, Word.ktime, to, row + at('failed_at'));
    copyPair(words, Word.ktime, to, row + at('failed_ktime_ns'));
    to[row + at('netns')] = words[Word.netns]!;
    to[row + at('cpu')] = (words[Word.cpu]! >>> Shift.cpu) & 0xffff;
    to[row + at('cause')] = cause;
    to[row + at('known_by')] = knownBy;
    const hook = (words[Word.hook]! >>> Shift.hook) & 0xff;
    if (hook !== NO_HOOK) this.put(row, 'hook', hook);
    if (counters.length > 0) this.put(row, 'counters', this.names.numberOf(counters.join(',')));
    const text = kind === FailureKind.expect ? errorText(words) : said;
    if (text !== undefined) this.put(row, 'text', this.names.numberOf(text));
    if ((flagsOf(words) & FailureFlag.noTuple) === 0) this.writeTuple(row, failed);
    this.writeFlow(row, words);
    if (kind === FailureKind.clash || kind === FailureKind.evicted) this.writeRival(row, words);
    if (kind === FailureKind.full || kind === FailureKind.evicted) this.writeFill(row, words);
    if (cause === Cause.noFreePort) this.put(row, 'tries', words[Word.tries]!);
    if (failed.range !== undefined) this.writeRange(row, failed.range);
    return counters;
  }

  private writeTuple(row: number, { words, hasZone }: Failed): void {
    this.put(row, 'family', (words[Word.family]! >>> Shift.family) & 0xff);
    this.put(row, 'protocol', (words[Word.l4proto]! >>> Shift.l4proto) & 0xff);
    this.putAddress(row, 'src', words, Word.src);
    this.putAddress(row, 'dst', words, Word.dst);
    this.put(row, 'src_port', (words[Word.srcPort]! >>> Shift.srcPort) & 0xffff);
    this.put(row, 'dst_port', (words[Word.dstPort]! >>> Shift.dstPort) & 0xffff);
    if (hasZone) this.put(row, 'zone', words[Word.flowZone]! & 0xffff);
  }

  /** The flow itself, and the rule that decided about it, if that has been told by now. */
  private writeFlow(row: number, words: Int32Array): void {
    const low = words[Word.flow]!;
    const high = words[Word.flow + 1]!;
    if (low === 0 && high === 0) return;
    this.putPair(row, 'flow', words, Word.flow);
    const flow = this.store.rowOfKnown(low, high);
    if (flow < 0) return;
    const from = this.store.words;
    if (!isNull(from, flow, FlowNull.srcRule)) this.put(row, 'rule', from[flow + Col.srcRule]!);
    else if (!isNull(from, flow, FlowNull.dstRule))
      this.put(row, 'rule', from[flow + Col.dstRule]!);
  }

  private writeRival(row: number, words: Int32Array): void {
    const low = words[Word.rival]!;
    const high = words[Word.rival + 1]!;
    if (low === 0 && high === 0) return;
    this.putPair(row, 'rival', words, Word.rival);
    const rival = this.store.rowOfKnown(low, high);
    if (rival < 0) return;
    const from = this.store.words;
    this.putAddress(row, 'rival_src', from, rival + Col.src);
    this.putAddress(row, 'rival_dst', from, rival + Col.dst);
    this.put(row, 'rival_src_port', from[rival + Col.srcPort]!);
    this.put(row, 'rival_dst_port', from[rival + Col.dstPort]!);
  }

  private writeFill(row: number, words: Int32Array): void {
    if (words[Word.fill] !== 0) this.put(row, 'fill', words[Word.fill]!);
    if (words[Word.limit] !== 0) this.put(row, 'limit', words[Word.limit]!);
  }

  /** An address of zeros: NAT was to choose ports alone. Port 0: every one. */
  private writeRange(row: number, range: Int32Array): void {
    const minPort = (range[Word.srcPort]! >>> Shift.srcPort) & 0xffff;
    const maxPort = (range[Word.dstPort]! >>> Shift.dstPort) & 0xffff;
    if (range.subarray(Word.src, Word.src + 4).some((word) => word !== 0)) {
      this.putAddress(row, 'min_address', range, Word.src);
      this.putAddress(row, 'max_address', range, Word.dst);
    }
    if (minPort === 0 && maxPort === 0) return;
    this.put(row, 'min_port', minPort);
    this.put(row, 'max_port', maxPort);
  }

  private put(row: number, column: string, value: number): void {
    this.rows.words[row + at(column)] = value;
    clearNull(this.rows.words, row, index(column));
  }

  private putPair(row: number, column: string, from: Int32Array, word: number): void {
    copyPair(from, word, this.rows.words, row + at(column));
    clearNull(this.rows.words, row, index(column));
  }

  private putAddress(row: number, column: string, from: Int32Array, word: number): void {
    copyAddress(from, word, this.rows.words, row + at(column));
    clearNull(this.rows.words, row, index(column));
  }
}
