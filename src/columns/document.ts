/** docs/schema.md, out of the tables. */
import { type Column, type ColumnType, SCHEMA_VERSION, type Table } from '../model/tables.ts';

/** Turns an address to text in DuckDB; a test runs it. */
export const ADDRESS_MACRO = `CREATE OR REPLACE MACRO address_text(a) AS CASE
  WHEN a IS NULL THEN NULL
  WHEN starts_with(hex(a), '00000000000000000000FFFF') THEN array_to_string(list_transform(
    range(4), i -> (('0x' || substr(hex(a), 25 + 2 * i, 2))::UTINYINT)::VARCHAR), '.')
  ELSE array_to_string(list_transform(
    range(8), i -> lower(coalesce(nullif(ltrim(substr(hex(a), 1 + 4 * i, 4), '0'), ''), '0'))), ':')
END;`;

const ARROW_TYPES: Readonly<Record<ColumnType, string>> = {
  bool: 'Bool',
  u8: 'UInt8',
  u16: 'UInt16',
  u32: 'UInt32',
  u64: 'UInt64',
  timestamp: 'Timestamp(ns, UTC)',
  address: 'FixedSizeBinary(16)',
  code: 'Dictionary(Int8, Utf8)',
  name: 'Utf8',
};

const INTRO = `# The tables

Schema version ${SCHEMA_VERSION}. Generated from the definition that the code uses; a test holds it equal.

A reader of an older minor version keeps working: columns and words are only added, at the end. What breaks a reader raises the major version.

- **Types** are Arrow's. Parquet files carry the Arrow schema, with each column's unit and meaning (and words) in its field metadata. The file's key-values hold \`conntrail.table\`, \`conntrail.schema_version\`, \`conntrail.node\`, \`conntrail.facts\` (the machine and the probes, JSON) and, in files completed at the end of a trace, \`conntrail.ledger\` and \`conntrail.times\` (start and end by CLOCK_MONOTONIC; both JSON). A folder's run without a ledger was cut short.
- **Null** means that there is no such thing for this row, or that it was not seen; the meaning of a column says which. Columns without "null" in their type always have a value.
- **Addresses** are 16 bytes in network order, IPv4 as IPv4-mapped IPv6 (\`::ffff:10.0.0.1\`): one type for both families. \`family\` says which it was.
- **Clock**: timestamps are wall clock, UTC, in nanoseconds: CLOCK_MONOTONIC plus one offset, taken when the trace began. Differences within a trace are therefore exact, also when the wall clock is set meanwhile. \`…_ktime_ns\` keeps the monotonic value. DuckDB shows nanosecond timestamps with a time zone in microseconds; use \`…_ktime_ns\` and \`…_ns\` where nanoseconds matter.
- **Codes** are words from a fixed list, in the order given here.

In DuckDB, an address as text:

\`\`\`sql
${ADDRESS_MACRO}
SELECT address_text(src), dst_port, count(*) FROM 'DIR/table=packets/**/*.parquet' GROUP BY ALL;
\`\`\`
`;

/** Within a table's cell a bar would end it. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function row({ name, type, nullable, unit, meaning, words }: Column): string {
  const said = words === undefined ? meaning : `${meaning}. Words: ${words.join(', ')}`;
  const typeText = ARROW_TYPES[type] + (nullable ? ', null' : '');
  return `| \`${name}\` | ${typeText} | ${cell(unit)} | ${cell(said)} |`;
}

function section(table: Table): string {
  const head = `## ${table.name}\n\nA row is ${table.meaning}.\n`;
  const rows = table.columns.map(row).join('\n');
  return `${head}\n| column | type | unit | meaning |\n|---|---|---|---|\n${rows}\n`;
}

export function document(tables: readonly Table[]): string {
  return [INTRO, ...tables.map(section)].join('\n');
}
