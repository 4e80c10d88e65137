/** The tables of conntrack(8), in the order of enum table_kind of native/table/table.h. */
export const CONNTRACK_TABLES = ['conntrack', 'expect', 'dying', 'unconfirmed'] as const;
export type ConntrackTable = (typeof CONNTRACK_TABLES)[number];
