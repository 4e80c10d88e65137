/**
 * The kernel's half of the ledger: struct counters of each CPU, joined with
 * what the reader tallied.
 */
import type { BpfObject } from '../libbpf/index.ts';
import { PROBES } from '../model/codes.ts';
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

export function readCounters(object: BpfObject, cpus: number): CpuCounters[] {
  const map = object.map('counters');
  return Array.from({ length: cpus }, (_, cpu) => decodeCounters(map.lookup(wordBytes(cpu))));
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

/** The rows of the ledger; what concerns no single CPU or probe stands in the first traversal row. */
export function ledgerRows(
  cpus: readonly CpuCounters[],
  tally: Tally,
  given: { readonly evicted: number; readonly recursion: number | null },
): Ledger['rows'] {
  const { evicted, recursion } = given;
  const rows: LedgerRow[] = [];
  cpus.forEach((kernel, cpu) => {
    for (let probe = 1; probe < PROBES.length; probe++) {
      const isPacket = probe === RecordKind.traversal;
      const isFirst = cpu === 0 && isPacket;
      rows.push({
        cpu,
        probe,
        sent: kernel.tried[probe]!,
        delivered: tally.delivered[cpu * RecordKind.kinds + probe]!,
        ringFull: kernel.ringFull[probe]!,
        callsFull: isPacket ? kernel.callsFull : 0,
        missedReturn: isFirst ? openCalls(cpus) : 0,
        missedEntry: isPacket ? kernel.missedEntry : 0,
        flowsFull: probe === RecordKind.flow ? kernel.flowsFull : 0,
        recursion: isFirst ? recursion : recursion === null ? null : 0,
        evicted: evictedOf(cpu, probe, evicted),
      });
    }
  });
  return rows;
}

/** Flows that our own table gave up: they stand in the first flow row. */
export function evictedOf(cpu: number, probe: number, evicted: number): number {
  return cpu === 0 && probe === RecordKind.flow ? evicted : 0;
}
