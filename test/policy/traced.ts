/** Traces about entries that were made by hand, written as `record` writes them. */
import { openDestination } from '../../src/cli/destination.ts';
import { bootId } from '../../src/kernel/boot-id.ts';
import { ZONE_DIRECTIONS } from '../../src/model/codes.ts';
import type { TraceEnd, TraceFacts } from '../../src/model/facts.ts';
import type { LedgerRow } from '../../src/model/ledger.ts';
import { FLOWS, PACKETS, RULES } from '../../src/model/tables.ts';
import { ADDRESS, flow, recordsOf } from '../explain/rows.ts';
import { CLOCK_OFFSET, END, FACTS, type Row } from '../export/fixtures.ts';
import type { Inserted } from '../table/inserted.ts';

/** CLOCK_MONOTONIC at which these traces end. */
const ENDED_NS = 303_303_303_303n;
export const ENDED_AT = new Date(Number((CLOCK_OFFSET + ENDED_NS) / 1_000_000n))
  .toISOString()
  .replace(/\.\d+Z$/, 'Z');

const ROW: LedgerRow = {
  ...{ cpu: 2, probe: 1, sent: 41, delivered: 41, ringFull: 0, callsFull: 0, missedReturn: 0 },
  ...{ missedEntry: 0, flowsFull: 0, recursion: null, evicted: 0 },
};
/** Records were lost from the beginning to this time. */
export const LOST_UNTIL = CLOCK_OFFSET + 5_000_000n;

export interface Written {
  readonly flows: readonly Row[];
  readonly rules?: readonly Row[];
  readonly packets?: readonly Row[];
  readonly facts?: Partial<TraceFacts>;
  readonly isLossy?: boolean;
}

/** `place`: a folder, or a file that takes the table `flows` alone. */
export async function writeTrace(place: string, written: Written): Promise<void> {
  const { flows, rules = [], packets = [], facts = {}, isLossy = false } = written;
  const own = { bootId: bootId()!, sample: 1, filter: '' };
  const destination = await openDestination(place, {
    facts: { ...FACTS, ...own, ...facts },
    table: 'flows',
  });
  const tables = [
    ['rules', RULES, rules],
    ['flows', FLOWS, flows],
    ['packets', PACKETS, packets],
  ] as const;
  const isFile = /\.(parquet|arrow)$/.test(place);
  for (const [name, table, rows] of tables) {
    if (rows.length === 0 || (isFile && name !== 'flows')) continue;
    await destination.addBatch({ table: name, batch: recordsOf(table, rows) });
  }
  await destination.close(endOf(isLossy));
}

function endOf(isLossy: boolean): TraceEnd {
  const row = isLossy ? { ...ROW, sent: ROW.sent + 3, ringFull: 3 } : ROW;
  const lossWindow = isLossy ? { fromNs: '101', toNs: String(LOST_UNTIL - CLOCK_OFFSET) } : null;
  const ledger = { rows: [row], lossWindow, conntrackStats: null };
  return { ...END, ledger, endedKtimeNs: String(ENDED_NS) };
}

/** The row of `flows` that a trace has of such an entry. */
export function flowOf(number: number, netns: number, one: Inserted, given: Row = {}): Row {
  const { protocol, original, reply, zones: [zone, other] = [0, 0] } = one;
  const direction = zone === other ? 0 : zone === 0 ? 2 : 1;
  return flow(BigInt(number), {
    ...{ netns, protocol, family: original.src.includes(':') ? 6 : 4 },
    ...{ src: ADDRESS(original.src), dst: ADDRESS(original.dst) },
    ...{ src_port: original.srcPort, dst_port: original.dstPort },
    ...{ src_reply: ADDRESS(reply.src), dst_reply: ADDRESS(reply.dst) },
    ...{ src_port_reply: reply.srcPort, dst_port_reply: reply.dstPort },
    ...{ zone: Math.max(zone, other), zone_direction: ZONE_DIRECTIONS[direction]! },
    ...{ first_at: CLOCK_OFFSET + 1000n + BigInt(number) },
    ...{ packets: BigInt(number + 1000), packets_reply: BigInt(number + 2000) },
    ...{ bytes: BigInt(number + 300_000), bytes_reply: BigInt(number + 500_000) },
    ...given,
  });
}
