/**
 * Changes of a flow's state to rows of `states`, and what `flows` keeps of
 * them. The shim finds those that packets show, records of their own tell the
 * others. Only what is seen to change is a row: what a record about an entry
 * tells first of an older flow, and at its end, is not.
 */
import { Change, type PacketFill } from '../libbpf/columns.ts';
import { Confirm, Status } from '../model/codes.ts';
import { TcpState } from '../model/flow-states.ts';
import type { RowBuffer } from '../model/rows.ts';
import { RecordFlag } from '../wire/layout.ts';
import { isLess, Shift, Word } from '../wire/words.ts';
import { Flow as Col, FlowExtra, FlowNull, Known } from './flow-columns.ts';
import { stateOfEntry, stateOfPacket, tcpOf } from './flow-state.ts';
import type { FlowStore } from './flow-store.ts';
import type { PacketBatch } from './packet-batch.ts';
import { clearNull, copyPair, isNull } from './row-words.ts';
import type { Stage } from './stage.ts';
import { StateRows } from './state-rows.ts';

/** What tells of changes: packets, records of their own (flows alone), or nothing. */
export type ChangesFrom = 'packets' | 'records' | 'nothing';

export class Changes {
  private readonly store: FlowStore;
  private readonly from: ChangesFrom;
  private readonly rows: StateRows;

  constructor(store: FlowStore, from: ChangesFrom, onRows: (rows: RowBuffer) => void) {
    this.store = store;
    this.from = from;
    this.rows = new StateRows(store, onRows);
  }

  /** Does what tells of a new entry tell of its first state, too? */
  get areTold(): boolean {
    return this.from === 'records';
  }

  /** Hands over the rows that there are. */
  flush(): void {
    this.rows.flush();
  }

  /** RECORD_FLOW, when all else that it says stands in the flow at `row`. */
  told(words: Int32Array, at: number, row: number): void {
    const state = stateOfEntry(words, at);
    if (state === 0) return;
    this.noteTcp(row, state);
    if (this.stateOf(row) !== 0) return;
    const flags = (words[at + Word.flags]! >>> Shift.flags) & 0xffff;
    if ((flags & RecordFlag.flowConfirmRan) === 0) this.advance(row, state, words, at);
    else if (this.from === 'records') {
      this.advance(row, state, words, at);
      this.rows.direction = 0;
      this.changed(row, 0, state, words, at + Word.ktime);
    } // else its packet's record follows
  }

  /** RECORD_END: no change that was seen. */
  ended(words: Int32Array, at: number, row: number): void {
    const state = stateOfEntry(words, at);
    if (state !== 0) this.noteTcp(row, state);
  }

  /** RECORD_STATE. */
  saw(words: Int32Array, at: number, row: number): void {
    const state = stateOfEntry(words, at);
    const before = this.stateOf(row);
    if (state === 0 || state === before) return;
    this.advance(row, state, words, at);
    this.rows.direction = directionIn(words, at);
    this.changed(row, before, state, words, at + Word.ktime);
  }

  /** What the shim found in the records of the stage; the first one's packet has that number. */
  filled({ changes, changed }: PacketFill, stage: Stage, firstNumber: number): void {
    for (let at = 0; at < changed * Change.words; at += Change.words) {
      const index = changes[at + Change.index]!;
      const record = stage.recordOf(index);
      this.rows.direction = directionIn(stage.words, record);
      this.rows.setPacket(firstNumber + index);
      const [before, after] = [changes[at + Change.before]!, changes[at + Change.after]!];
      this.changed(stage.flowOf(index), before, after, stage.words, record + Word.started);
    }
  }

  /** More visits of a packet whose row is filled: what they show, unless something newer did. */
  late(words: Int32Array, at: number, flow: number, batch: PacketBatch, row: number): void {
    const state = stateOfPacket(words, at);
    const before = this.stateOf(flow);
    if (state === 0 || state === before) return;
    const { words: flows, extra } = this.store;
    const last = flow + extra + FlowExtra.changedAt;
    if (isEarlier(words, at + Word.ktime, flows, last)) return;
    const isDoubtful = isEarlier(words, at + Word.started, flows, last);
    if (isDoubtful && state === flows[flow + extra + FlowExtra.stateBefore]) return;
    this.advance(flow, state, words, at);
    this.rows.direction = directionIn(words, at);
    this.rows.copyPacket(batch.packet, row * 2);
    this.changed(flow, before, state, batch.startedKtime, row * 2);
  }

  private stateOf(row: number): number {
    return this.store.words[row + this.store.extra + FlowExtra.state]!;
  }

  private advance(row: number, state: number, words: Int32Array, at: number): void {
    const { words: flows, extra } = this.store;
    const own = row + extra;
    flows[own + FlowExtra.stateBefore] = flows[own + FlowExtra.state]!;
    flows[own + FlowExtra.state] = state;
    copyPair(words, at + Word.ktime, flows, own + FlowExtra.changedAt);
  }

  /** The flow's state is another: at the time at `words[time]`. */
  private changed(
    row: number,
    before: number,
    after: number,
    words: Int32Array,
    time: number,
  ): void {
    // of an entry that has ended the last state is told: this packet waited for its row
    if (isNull(this.store.words, row, FlowNull.endedAt)) this.noteTcp(row, after);
    const isSeen = before !== 0 || this.begin(row, after, words, time);
    if (isSeen) {
      this.rows.add(row, before, after, words, time);
      this.noteTimes(row, before, after, words, time);
    }
  }

  /** The first state of a flow: a change only where its beginning was seen. */
  private begin(row: number, state: number, words: Int32Array, time: number): boolean {
    const { words: flows, extra } = this.store;
    if (flows[row + Col.confirm] !== Confirm.inserted) return false;
    const begun = row + extra + FlowExtra.begunAt;
    if (this.from === 'packets') copyPair(words, time, flows, begun);
    else copyPair(flows, row + Col.firstKtime, flows, begun);
    if (tcpOf(state) === TcpState.synSent) flows[row + extra + FlowExtra.known]! |= Known.syn;
    return true;
  }

  private noteTcp(row: number, state: number): void {
    const tcp = tcpOf(state);
    if (tcp < 0) return;
    this.store.words[row + Col.tcpState] = tcp;
    clearNull(this.store.words, row, FlowNull.tcpState);
  }

  private noteTimes(
    row: number,
    before: number,
    after: number,
    words: Int32Array,
    time: number,
  ): void {
    const { words: flows, extra } = this.store;
    const added = after & ~before;
    if (added & Status.seenReply) setFirst(flows, row, REPLIED, words, time);
    if (added & Status.assured) setFirst(flows, row, ASSURED, words, time);
    const isEstablished = tcpOf(after) === TcpState.established && tcpOf(before) !== tcpOf(after);
    if (!isEstablished || !isNull(flows, row, FlowNull.establishedAt)) return;
    setFirst(flows, row, ESTABLISHED, words, time);
    if ((flows[row + extra + FlowExtra.known]! & Known.syn) === 0) return;
    this.rows.writeSinceFirst(row, words, time, flows, row + Col.handshakeNs);
    clearNull(flows, row, FlowNull.handshakeNs);
  }
}

interface TimeColumn {
  readonly word: number;
  readonly index: number;
}

const REPLIED: TimeColumn = { word: Col.repliedAt, index: FlowNull.repliedAt };
const ASSURED: TimeColumn = { word: Col.assuredAt, index: FlowNull.assuredAt };
const ESTABLISHED: TimeColumn = { word: Col.establishedAt, index: FlowNull.establishedAt };

/** The first time stands. */
function setFirst(
  flows: Int32Array,
  row: number,
  { word, index }: TimeColumn,
  words: Int32Array,
  time: number,
): void {
  if (!isNull(flows, row, index)) return;
  copyPair(words, time, flows, row + word);
  clearNull(flows, row, index);
}

function isEarlier(words: Int32Array, time: number, flows: Int32Array, word: number): boolean {
  return isLess(words[time + 1]!, words[time]!, flows[word + 1]!, flows[word]!);
}

/** 0 original, 1 reply: enum ip_conntrack_info. */
function directionIn(words: Int32Array, at: number): number {
  return ((words[at + Word.ctinfo]! >>> Shift.ctinfo) & 0xff) > 2 ? 1 : 0;
}
