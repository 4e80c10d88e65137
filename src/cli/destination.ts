/** Where drained bytes go: into a capture as they are, or through the tables to an output. */
import { CaptureWriter } from '../export/capture-writer.ts';
import { LEDGER_KEY, TIMES_KEY } from '../export/metadata.ts';
import { openOutput } from '../export/output.ts';
import type { Output } from '../export/output-shape.ts';
import { TraceError } from '../model/error.ts';
import type { TraceEnd, TraceFacts } from '../model/facts.ts';
import type { TableName } from '../model/tables.ts';
import { TABLES } from '../model/tables.ts';
import type { NamedBatch } from './tables.ts';

/** Takes the raw side and the table side of one trace; ignores what it does not keep. */
export interface Destination {
  readonly target: string;
  /** False: addBatch() does nothing. */
  readonly keepsTables: boolean;
  /** Bytes written so far. */
  readonly bytes: number;
  /** The drained bytes may be used again when this resolves. */
  addDrained(bytes: Uint8Array, horizonNs: bigint): Promise<void>;
  /** Takes the batch's memory away. */
  addBatch(named: NamedBatch): Promise<void>;
  /** `isWhole`: false for a trace that was cut short; its files then carry no ledger. */
  close(end: TraceEnd, isWhole?: boolean): Promise<readonly string[]>;
  abort(): Promise<void>;
}

export interface DestinationOptions {
  readonly facts: TraceFacts;
  /** For targets that hold one table. */
  readonly table: TableName;
}

export function isCapture(target: string): boolean {
  return /\.capture$/i.test(target);
}

export async function openDestination(
  target: string,
  { facts, table }: DestinationOptions,
): Promise<Destination> {
  if (target === '') throw new TraceError('usage', '--out names nothing, needed a place');
  if (isCapture(target)) return captureDestination(target, await CaptureWriter.open(target, facts));
  return tablesDestination(target, await openOutput(target, TABLES, { facts, table }));
}

function captureDestination(target: string, writer: CaptureWriter): Destination {
  return {
    target,
    keepsTables: false,
    get bytes() {
      return writer.bytes;
    },
    addDrained: (bytes, horizonNs) => writer.append(bytes, horizonNs),
    addBatch: async () => undefined,
    close: async (end) => {
      await writer.close(end);
      return [target];
    },
    abort: () => writer.abort(),
  };
}

function tablesDestination(target: string, output: Output): Destination {
  return {
    target,
    keepsTables: true,
    get bytes() {
      return output.bytes;
    },
    addDrained: async () => undefined,
    addBatch: ({ table, batch }) => output.write(table, batch),
    close: async (end, isWhole = true) => {
      const { ledger, startedKtimeNs, endedKtimeNs, probeChanges } = end;
      const whole = {
        [LEDGER_KEY]: JSON.stringify(ledger),
        [TIMES_KEY]: JSON.stringify({ startedKtimeNs, endedKtimeNs, probeChanges }),
      };
      return (await output.close(isWhole ? whole : {})).files.map((file) => file.path);
    },
    abort: () => output.abort(),
  };
}
