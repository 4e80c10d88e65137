/** Rows of `states`. */
import { layoutOf } from '../model/row-layout.ts';
import type { RowBuffer } from '../model/rows.ts';
import { STATES_TABLE } from '../model/tables.ts';
import { BatchRows } from './batch-rows.ts';
import { Flow, FlowExtra } from './flow-columns.ts';
import { replyOf, tcpOf } from './flow-state.ts';
import type { FlowStore } from './flow-store.ts';
import { copyAddress, copyPair, setNull } from './row-words.ts';

const { at, index } = layoutOf(STATES_TABLE);

const Col = {
  flow: at('flow'),
  netns: at('netns'),
  family: at('family'),
  protocol: at('protocol'),
  src: at('src'),
  dst: at('dst'),
  srcPort: at('src_port'),
  dstPort: at('dst_port'),
  at: at('changed_at'),
  ktime: at('ktime_ns'),
  sinceFirst: at('since_first_ns'),
  packet: at('packet'),
  direction: at('direction'),
  replyBefore: at('reply_before'),
  replyAfter: at('reply_after'),
  tcpBefore: at('tcp_before'),
  tcpAfter: at('tcp_after'),
} as const;

const Null = {
  packet: index('packet'),
  replyBefore: index('reply_before'),
  tcpBefore: index('tcp_before'),
  tcpAfter: index('tcp_after'),
} as const;

/** Changes are few: a batch of them is small. */
const BATCH_ROWS = 4096;

export class StateRows {
  /** Of the packet that made the next row's change: 0 original, 1 reply. */
  direction = 0;
  private readonly packet = new Int32Array(2);
  private readonly store: FlowStore;
  private readonly rows: BatchRows;

  constructor(store: FlowStore, onRows: (rows: RowBuffer) => void) {
    this.store = store;
    this.rows = new BatchRows(STATES_TABLE, BATCH_ROWS, onRows);
  }

  /** Number of the packet that shows the next row's change. */
  setPacket(number: number): void {
    this.packet[0] = number | 0;
    this.packet[1] = Math.floor(number / 0x1_0000_0000);
  }

  /** The same from a column. */
  copyPacket(numbers: Int32Array, word: number): void {
    copyPair(numbers, word, this.packet, 0);
  }

  /** A change of the flow at `flow` between two words of state; its time is at `words[time]`. */
  add(flow: number, before: number, after: number, words: Int32Array, time: number): void {
    const row = this.rows.next();
    const to = this.rows.words;
    this.copyFlow(flow, row);
    copyPair(words, time, to, row + Col.at);
    copyPair(words, time, to, row + Col.ktime);
    this.writeSinceFirst(flow, words, time, to, row + Col.sinceFirst);
    copyPair(this.packet, 0, to, row + Col.packet);
    if (this.packet[0] === 0 && this.packet[1] === 0) setNull(to, row, Null.packet);
    to[row + Col.direction] = this.direction;
    to[row + Col.replyBefore] = replyOf(before);
    to[row + Col.replyAfter] = replyOf(after);
    if (before === 0) setNull(to, row, Null.replyBefore);
    writeCode(to, row, Col.tcpBefore, Null.tcpBefore, tcpOf(before));
    writeCode(to, row, Col.tcpAfter, Null.tcpAfter, tcpOf(after));
  }

  flush(): void {
    this.rows.flush();
  }

  /** From the flow's beginning to the time at `words[time]`, ns, as two words; 0 where that was later. */
  writeSinceFirst(
    flow: number,
    words: Int32Array,
    time: number,
    to: Int32Array,
    word: number,
  ): void {
    const { words: flows, extra } = this.store;
    const begun = flow + extra + FlowExtra.begunAt;
    const isKnown = flows[begun] !== 0 || flows[begun + 1] !== 0;
    const base = isKnown ? begun : flow + Flow.firstKtime;
    const low = (words[time]! >>> 0) - (flows[base]! >>> 0);
    const high = words[time + 1]! - flows[base + 1]! - (low < 0 ? 1 : 0);
    to[word] = high < 0 ? 0 : low;
    to[word + 1] = Math.max(high, 0);
  }

  private copyFlow(flow: number, row: number): void {
    const from = this.store.words;
    const to = this.rows.words;
    copyPair(from, flow + Flow.number, to, row + Col.flow);
    to[row + Col.netns] = from[flow + Flow.netns]!;
    to[row + Col.family] = from[flow + Flow.family]!;
    to[row + Col.protocol] = from[flow + Flow.protocol]!;
    copyAddress(from, flow + Flow.src, to, row + Col.src);
    copyAddress(from, flow + Flow.dst, to, row + Col.dst);
    to[row + Col.srcPort] = from[flow + Flow.srcPort]!;
    to[row + Col.dstPort] = from[flow + Flow.dstPort]!;
  }
}

/** -1: null. */
function writeCode(
  words: Int32Array,
  row: number,
  word: number,
  column: number,
  code: number,
): void {
  if (code < 0) setNull(words, row, column);
  else words[row + word] = code;
}
