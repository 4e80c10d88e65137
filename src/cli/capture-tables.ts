/** A capture to the tables that its live run had. */

import { evictedOf } from '../capture/kernel-counters.ts';
import { CaptureReader } from '../export/capture-reader.ts';
import { accountFor } from '../model/accounted.ts';
import { PROBES } from '../model/codes.ts';
import { TraceError } from '../model/error.ts';
import {
  OLDEST_RECORD_VERSION,
  RECORD_VERSION,
  type TraceEnd,
  type TraceFacts,
} from '../model/facts.ts';
import type { Ledger, LedgerRow } from '../model/ledger.ts';
import type { RulesChange } from '../rebuild/decided-rules.ts';
import { RecordKind } from '../wire/layout.ts';
import type { Tally } from '../wire/tally.ts';
import { type NamedBatch, TraceTables } from './tables.ts';

export interface CaptureTables {
  readonly facts: TraceFacts;
  /** One line where the capture was cut short; its ledger then knows no records after that. */
  readonly truncated: string | undefined;
  /** When rules were changed: more of them while the batches are read. */
  readonly rulesChanges: readonly RulesChange[];
  /** The batches of all tables, the ledger's last; then the end of the trace. */
  batches(): AsyncGenerator<NamedBatch, TraceEnd>;
  close(): Promise<void>;
}

export async function openCaptureTables(path: string): Promise<CaptureTables> {
  const reader = await CaptureReader.open(path);
  const { recordVersion } = reader.facts;
  if (recordVersion < OLDEST_RECORD_VERSION || recordVersion > RECORD_VERSION) {
    await reader.close();
    throw otherRecords(path, recordVersion);
  }
  const tables = tablesOf(reader);
  return {
    facts: reader.facts,
    truncated: reader.truncated,
    rulesChanges: tables.rulesChanges,
    batches: () => rebuildAll(reader, tables),
    close: () => reader.close(),
  };
}

function otherRecords(path: string, found: number): TraceError {
  const versions = `found records of version ${found}, needed version ${OLDEST_RECORD_VERSION} to ${RECORD_VERSION}`;
  return new TraceError('unsupported', `${path}: ${versions}`, {
    hint: 'read it with the version of conntrail that made it',
  });
}

function tablesOf(reader: CaptureReader): TraceTables {
  const symbols = reader.end?.symbols ?? {};
  return new TraceTables(reader.facts, (address) => {
    const key = `0x${address.toString(16)}`;
    return symbols[key] ?? key;
  });
}

async function* rebuildAll(
  reader: CaptureReader,
  tables: TraceTables,
): AsyncGenerator<NamedBatch, TraceEnd> {
  for await (const { bytes, horizonNs } of reader.chunks()) {
    tables.add(bytes, horizonNs);
    yield* tables.takeReady();
  }
  tables.finish();
  const end = endOf(reader, tables);
  tables.addRules(end.rulesets, reader.facts.detail);
  tables.addLedger(end.ledger);
  yield* tables.takeReady();
  return end;
}

function endOf(reader: CaptureReader, tables: TraceTables): TraceEnd {
  const { tally, evicted } = tables;
  if (reader.end === undefined) {
    const times = { startedKtimeNs: null, endedKtimeNs: '0', probeChanges: [] };
    return { ledger: ledgerWithoutEnd(tally), symbols: {}, rulesets: [], ...times };
  }
  const { ledger } = reader.end;
  const rows = ledger.rows.map((row) => ({
    ...row,
    delivered: tally.delivered[row.cpu * RecordKind.kinds + row.probe]!,
    evicted: evictedOf(row.cpu, row.probe, evicted),
  }));
  const moved = ledger.conntrackMoved;
  if (moved === undefined) return { ...reader.end, ledger: { ...ledger, rows } };
  const accounted = accountFor(moved.netns, moved.counters, tables.countedFailures);
  return { ...reader.end, ledger: { ...ledger, rows, accounted } };
}

/** What a cut capture still shows: gaps in the sequence, of no known kind, count as traversals. */
function ledgerWithoutEnd(tally: Tally): Ledger {
  const rows: LedgerRow[] = [];
  for (let cpu = 0; cpu < tally.cpus; cpu++) {
    for (let probe = 1; probe < PROBES.length; probe++) {
      const delivered = tally.delivered[cpu * RecordKind.kinds + probe]!;
      const ringFull = probe === RecordKind.traversal ? tally.skipped[cpu]! : 0;
      rows.push({
        cpu,
        probe,
        sent: delivered + ringFull,
        delivered,
        ringFull,
        callsFull: 0,
        missedReturn: 0,
        missedEntry: 0,
        flowsFull: 0,
        recursion: null,
        evicted: 0,
      });
    }
  }
  return { rows, lossWindow: tally.lossWindow, conntrackStats: null };
}
