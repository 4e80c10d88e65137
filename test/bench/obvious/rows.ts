/** Rows as objects, their keys the columns of src/model/tables.ts. */
import { FLOWS, PACKETS, type Table } from '../../../src/model/tables.ts';

export type Value = bigint | number | string | boolean | null;
export type Row = Record<string, Value>;

export interface Packet {
  readonly row: Row;
  readonly skb: bigint;
  startedNs: bigint;
  lastNs: bigint;
  droppedNs: bigint | undefined;
  wasVisited: boolean;
  wasTracked: boolean;
  isTorn: boolean;
  /** Counted among its flow's mapped packets, its chain packets. */
  isMapped: boolean;
  isChained: boolean;
  /** The drop names another tuple: it counts only if a visit was running. */
  isDropForeign: boolean;
}

export interface Flow {
  readonly row: Row;
  readonly number: bigint;
  lastNs: bigint;
  mappedNs: { src: bigint | undefined; dst: bigint | undefined };
  confirmNs: bigint | undefined;
  hasOriginal: boolean;
  hasReply: boolean;
  wasTold: boolean;
}

function emptyRow(table: Table): Row {
  const row: Row = {};
  for (const { name, type, nullable, words } of table.columns) {
    if (nullable) row[name] = null;
    else if (type === 'u64' || type === 'timestamp') row[name] = 0n;
    else if (type === 'address') row[name] = '0:0:0:0:0:0:0:0';
    else if (type === 'bool') row[name] = false;
    else row[name] = words === undefined ? 0 : words[0]!;
  }
  return row;
}

const NO_PACKET = emptyRow(PACKETS);
const NO_FLOW = emptyRow(FLOWS);

export function newPacket(skb: bigint): Packet {
  return {
    row: { ...NO_PACKET },
    skb,
    startedNs: 0n,
    lastNs: 0n,
    droppedNs: undefined,
    wasVisited: false,
    wasTracked: false,
    isTorn: false,
    isMapped: false,
    isChained: false,
    isDropForeign: false,
  };
}

export function newFlow(number: bigint): Flow {
  return {
    row: { ...NO_FLOW },
    number,
    lastNs: 0n,
    mappedNs: { src: undefined, dst: undefined },
    confirmNs: undefined,
    hasOriginal: false,
    hasReply: false,
    wasTold: false,
  };
}

/** Adds to a count of any width. */
export function increase(row: Row, column: string, by: bigint | number): void {
  const value = row[column];
  if (typeof value === 'bigint') row[column] = value + BigInt(by);
  else row[column] = Number(value) + Number(by);
}
