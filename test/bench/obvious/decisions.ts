/** What a traversal tells: who decided about the packet, and what it adds to its flow. */
import { RecordFlag, Seen } from '../../../src/wire/layout.ts';
import type { TraceRecord, Traversal, Tuple } from './record.ts';
import { type Flow, increase, type Packet, type Row } from './rows.ts';

const CONFIRMS = ['none', 'inserted', 'refused', 'merged'] as const;

/** `left`: the tuple that these visits gave it; null: they changed nothing; undefined: not known. */
export function writeDecisions(
  { row, isNameless }: Packet,
  { seen }: Traversal,
  left: Tuple | null | undefined,
): void {
  const decided = seen >>> Seen.decided;
  const ends = [
    ['src', decided & 3],
    ['dst', (decided >>> 2) & 3],
  ] as const;
  for (const [end, bits] of ends) {
    const decision = decisionOf(bits, changeOf(row, end, left, isNameless));
    if (decision !== 'none') row[`${end}_nat`] = decision;
  }
  const confirm = (seen >>> Seen.confirm) & 3;
  if (confirm !== 0) row.confirm = CONFIRMS[confirm]!;
}

type Change = 'none' | 'mapping' | 'unknown';

function changeOf(
  row: Row,
  end: 'src' | 'dst',
  left: Tuple | null | undefined,
  isNameless: boolean,
): Change {
  if (left === null) return 'none';
  if (left === undefined || isNameless) return 'unknown';
  const port = `${end}_port`;
  const isSame = row[end] === row[`${end}_after`] && row[port] === row[`${port}_after`];
  return isSame ? 'none' : 'mapping';
}

function decisionOf(bits: number, change: Change): string {
  if (bits & 1) return 'rule';
  return bits & 2 ? 'null mapping' : change;
}

/** What the flow counts; `before`: the packet as it was counted so far. */
export function countIn(flow: Flow, { row }: Packet, record: TraceRecord, before: Counted): void {
  const now = countedOf(row);
  if (row.flow === null) {
    row.flow = record.flow;
    if (record.status !== 0) flow.row.status = record.status;
    const reply = isReply(record) ? '_reply' : '';
    increase(flow.row, `packets${reply}`, 1);
    increase(flow.row, `bytes${reply}`, Number(row.length));
    if (now.isChained) increase(flow.row, 'chain_packets', 1);
    if (now.isMapped) increase(flow.row, 'mapped_packets', 1);
    return;
  }
  if (now.isChained && !before.isChained) increase(flow.row, 'chain_packets', 1);
  if (now.isMapped && !before.isMapped) increase(flow.row, 'mapped_packets', 1);
}

export interface Counted {
  readonly isChained: boolean;
  readonly isMapped: boolean;
}

export function countedOf(row: Row): Counted {
  return {
    isChained: Number(row.chain_runs) > 0,
    isMapped: row.src_nat === 'mapping' || row.dst_nat === 'mapping',
  };
}

export function isReply({ ctinfo }: TraceRecord): boolean {
  return ctinfo === 3 || ctinfo === 4;
}

/** It has come to its end, or conntrack had nothing to do with it. */
export function writeComplete(packet: Packet, { flags }: TraceRecord): void {
  if (flags & RecordFlag.packetIsTorn) packet.isTorn = true;
  const isPart = (flags & RecordFlag.packetIsPart) !== 0;
  const isOpen = isPart && (flags & RecordFlag.packetConntrackRan) !== 0;
  packet.row.complete = !packet.isTorn && !isOpen;
}
