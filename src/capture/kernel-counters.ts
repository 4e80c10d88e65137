/**
 * The kernel's half of the ledger: struct counters of each CPU, joined with
 * what the reader tallied.
 */
import type { BpfObject } from '../libbpf/index.ts';
import type { Ledger, LedgerRow } from '../model/ledger.ts';
import { counters, RecordKind } from '../wire/layout.ts';
import type { Tally } from '../wire/tally.ts';
import { wordBytes } from './map-bytes.ts';

/** struct counters of one CPU. */
export interface CpuCounters {
  /** Indexed by record kind. */
  readonly tried: readonly number[];
  readonly ringFull: readonly number[];
  readonly callsFull: number;
  readonly callsBegun: number;
  readonly callsEnded: number;
  readonly missedEntry: number;
  readonly flowsFull: number;
  readonly filteredOut: number;
  /** Sequence numbers given out, modulo 2^32: the next one. */
  readonly seq: number;
}

export function readCounters(object: BpfObject): CpuCounters[] {
  return object.map('counters').lookupPerCpu(wordBytes(0)).map(decodeCounters);
}

function decodeCounters(bytes: Buffer): CpuCounters {
  const wide = (at: number): number => Number(bytes.readBigUInt64LE(at));
  const byKind = (at: number): number[] =>
    Array.from({ length: RecordKind.kinds }, (_, kind) => wide(at + kind * 8));
  return {
    tried: byKind(counters.tried),
    ringFull: byKind(counters.ringFull),
    callsFull: wide(counters.callsFull),
    callsBegun: wide(counters.callsBegun),
    callsEnded: wide(counters.callsEnded),
    missedEntry: wide(counters.missedEntry),
    flowsFull: wide(counters.flowsFull),
    filteredOut: wide(counters.filteredOut),
    seq: bytes.readUInt32LE(counters.seq),
  };
}

/** Calls under way, over all CPUs: one may begin on one and end on another. */
export function openCalls(cpus: readonly CpuCounters[]): number {
  return cpus.reduce((sum, cpu) => sum + cpu.callsBegun - cpu.callsEnded, 0);
}

/** The rows of the ledger; what concerns no single CPU or probe stands in the first visit row. */
export function ledgerRows(
  cpus: readonly CpuCounters[],
  tally: Tally,
  evicted: { readonly packets: number; readonly flows: number },
): Ledger['rows'] {
  const rows: LedgerRow[] = [];
  cpus.forEach((kernel, cpu) => {
    for (let probe = 1; probe < RecordKind.kinds; probe++) {
      const isVisit = probe === RecordKind.visit;
      const isFirst = cpu === 0 && isVisit;
      rows.push({
        cpu,
        probe,
        sent: kernel.tried[probe]!,
        delivered: tally.delivered[cpu * RecordKind.kinds + probe]!,
        ringFull: kernel.ringFull[probe]!,
        callsFull: isVisit ? kernel.callsFull : 0,
        missedReturn: isFirst ? openCalls(cpus) : 0,
        missedEntry: isVisit ? kernel.missedEntry : 0,
        flowsFull: probe === RecordKind.flow ? kernel.flowsFull : 0,
        recursion: null,
        evicted: evictedOf(cpu, probe, evicted),
      });
    }
  });
  return rows;
}

/** Rows our own tables gave up: they stand in the first visit and the first flow row. */
export function evictedOf(
  cpu: number,
  probe: number,
  evicted: { readonly packets: number; readonly flows: number },
): number {
  if (cpu !== 0) return 0;
  if (probe === RecordKind.visit) return evicted.packets;
  return probe === RecordKind.flow ? evicted.flows : 0;
}
