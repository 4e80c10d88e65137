/** Rows as objects, their keys the columns of src/model/tables.ts. */
import { FLOWS, PACKETS, type Table } from '../../../src/model/tables.ts';

export type Value = bigint | number | string | boolean | null;
export type Row = Record<string, Value>;

export interface Packet {
  readonly row: Row;
  readonly skb: bigint;
  lastNs: bigint;
  isTorn: boolean;
  /** It is not known how it came. */
  isNameless: boolean;
}

export interface Flow {
  readonly row: Row;
  readonly number: bigint;
  lastNs: bigint;
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
  return { row: { ...NO_PACKET }, skb, lastNs: 0n, isTorn: false, isNameless: false };
}

export function newFlow(number: bigint): Flow {
  const told = { hasOriginal: false, hasReply: false, wasTold: false };
  return { row: { ...NO_FLOW }, number, lastNs: 0n, ...told };
}

/** Adds to a count of any width. */
export function increase(row: Row, column: string, by: bigint | number): void {
  const value = row[column];
  if (typeof value === 'bigint') row[column] = value + BigInt(by);
  else row[column] = Number(value) + Number(by);
}
