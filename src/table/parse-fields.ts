/** What each form of an entry is first read to: its fields as they were written, before any is believed. */

/**
 * How an entry was written: `conntrack -L`, the same with `-o extended` or as /proc has it,
 * `-o xml`, `-o save`, `conntrail table list -o json`.
 */
export const FORMS = ['plain', 'extended', 'xml', 'save', 'json'] as const;
export type Form = (typeof FORMS)[number];

/** What `conntrack -E` says happened. */
export const CHANGES = ['new', 'update', 'destroy'] as const;
export type Change = (typeof CHANGES)[number];

/** The fields of one direction, by the names that `conntrack -L` gives them. */
export type SideFields = Map<string, string>;

export interface EntryFields {
  readonly form: Form;
  change: Change | null;
  /** When, as `-o timestamp` writes it. */
  at: string | null;
  family: string | undefined;
  protocol: string;
  /** The protocol's, where it was written beside the number. */
  name: string | undefined;
  timeout: string | undefined;
  state: string | undefined;
  /** Without brackets: UNREPLIED, ASSURED, OFFLOAD, HW_OFFLOAD ... */
  readonly flags: Set<string>;
  readonly original: SideFields;
  readonly reply: SideFields;
  /** All that is not of one direction. */
  readonly others: Map<string, string>;
  /** What no version of conntrack is known to write. */
  readonly more: string[];
}

export function emptyFields(form: Form): EntryFields {
  return {
    form,
    change: null,
    at: null,
    family: undefined,
    protocol: '',
    name: undefined,
    timeout: undefined,
    state: undefined,
    flags: new Set(),
    original: new Map(),
    reply: new Map(),
    others: new Map(),
    more: [],
  };
}

/** Names of fields that belong to one direction. */
export const SIDE_FIELDS: ReadonlySet<string> = new Set([
  ...['src', 'dst', 'sport', 'dport', 'srckey', 'dstkey', 'type', 'code', 'packets', 'bytes'],
  ...['zone-orig', 'zone-reply', 'vtag'],
]);

/** Names of fields of the entry as a whole. */
export const OTHER_FIELDS: ReadonlySet<string> = new Set([
  ...['mark', 'secmark', 'secctx', 'zone', 'delta-time', 'helper', 'use', 'id', 'labels'],
  ...['portid', 'progname', 'start', 'stop', 'timeout', 'stream_timeout', 'role'],
]);
