/** What a visit tells about its flow: whose packet it is, what was decided and confirmed meanwhile. */
import { Status } from '../../../src/model/codes.ts';
import { RecordFlag } from '../../../src/wire/layout.ts';
import type { ObviousFlows } from './flows.ts';
import type { TraceRecord } from './record.ts';
import { type Flow, increase, type Packet } from './rows.ts';

const HOOK_INPUT = 1;
const HOOK_POSTROUTING = 4;

export function writeFlow(
  packet: Packet,
  record: TraceRecord,
  flows: ObviousFlows,
  enterNs: bigint,
): void {
  const flow = flows.of(record);
  if (flow === undefined) return;
  const { row } = packet;
  const isLast = record.hook === HOOK_INPUT || record.hook === HOOK_POSTROUTING;
  const asked = join(packet, flow, record, flows);
  if (record.status !== 0) flow.row.status = record.status;
  if (asked !== undefined && (isLast || (record.status & Status.confirmed) === 0)) {
    writeDecided(packet, asked, record, enterNs, isLast);
    if (isLast) writeConfirm(packet, asked, record, enterNs);
  }
  if (!packet.isChained && Number(row.chain_runs) > 0) {
    packet.isChained = true;
    increase(flow.row, 'chain_packets', 1);
  }
  if (packet.isMapped || (row.src_nat !== 'mapping' && row.dst_nat !== 'mapping')) return;
  packet.isMapped = true;
  increase(flow.row, 'mapped_packets', 1);
}

/** Counts the packet for its flow; returns the flow it was of so far, whose decisions are its own. */
function join(
  packet: Packet,
  flow: Flow,
  record: TraceRecord,
  flows: ObviousFlows,
): Flow | undefined {
  const { row } = packet;
  const before = row.flow === null ? flow : flows.find(row.flow as bigint);
  if (row.flow !== null && before === flow) return flow;
  const reply = record.ctinfo === 3 || record.ctinfo === 4 ? '_reply' : '';
  const length = Number(row.length);
  increase(flow.row, `packets${reply}`, 1);
  increase(flow.row, `bytes${reply}`, length);
  if (row.flow !== null && before !== undefined) {
    increase(before.row, `packets${reply}`, -1);
    increase(before.row, `bytes${reply}`, -length);
    if (packet.isChained) increase(before.row, 'chain_packets', -1);
    if (packet.isMapped) increase(before.row, 'mapped_packets', -1);
    packet.isChained = false;
    packet.isMapped = false;
  }
  row.flow = record.flow;
  return before;
}

function writeDecided(
  { row }: Packet,
  flow: Flow,
  record: TraceRecord,
  enterNs: bigint,
  isLast: boolean,
): void {
  const decided = { src: false, dst: false };
  for (const end of ['src', 'dst'] as const) {
    const mappedNs = flow.mappedNs[end];
    decided[end] = mappedNs !== undefined && mappedNs >= enterNs;
    if (decided[end]) row[`${end}_nat`] = flow.row[`${end}_nat`]!;
  }
  const end = isLast ? 'src' : 'dst';
  const didChainsRun = (record.flags & RecordFlag.visitChainsRan) !== 0;
  if (!didChainsRun || record.verdict !== 1 || decided[end]) return;
  const wasConfirmed = flow.confirmNs !== undefined && flow.confirmNs < enterNs;
  if (flow.row.older !== true && !wasConfirmed) row[`${end}_nat`] = 'unknown';
}

function writeConfirm({ row }: Packet, flow: Flow, record: TraceRecord, enterNs: bigint): void {
  if (flow.confirmNs !== undefined) {
    if (flow.confirmNs >= enterNs) row.confirm = flow.row.confirm!;
    return;
  }
  const isConfirmed = (Number(flow.row.status) & Status.confirmed) !== 0;
  const isEstablished = record.ctinfo === 0 || record.ctinfo === 3;
  if (isConfirmed && flow.row.older !== true && !isEstablished) row.confirm = 'unknown';
}
