/** What a table is made of: columns with their type, unit and meaning. */

export type ColumnType =
  | 'bool'
  | 'u8'
  | 'u16'
  | 'u32'
  | 'u64'
  | 'timestamp' // nanoseconds since 1970-01-01 UTC; the row holds CLOCK_MONOTONIC
  | 'address' // 16 bytes, network order, IPv4 as IPv4-mapped IPv6
  | 'code' // index into `words`
  | 'name'; // index into names that the trace brings along (drop reasons, symbols)

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  readonly nullable: boolean;
  readonly unit: string;
  readonly meaning: string;
  readonly words?: readonly string[];
}

export interface Table {
  readonly name: string;
  readonly meaning: string;
  readonly columns: readonly Column[];
}

interface Extra {
  readonly unit?: string;
  readonly nullable?: true;
  readonly words?: readonly string[];
}

export function column(name: string, type: ColumnType, meaning: string, extra: Extra = {}): Column {
  const { unit = '', nullable = false, words } = extra;
  return { name, type, meaning, unit, nullable, ...(words === undefined ? {} : { words }) };
}

export function code(
  name: string,
  words: readonly string[],
  meaning: string,
  nullable?: true,
): Column {
  return column(name, 'code', meaning, { words, ...(nullable ? { nullable } : {}) });
}

export const NULL = { nullable: true } as const;
