/** One entry of the conntrack table, as a listing or a trace shows it. */

/** Addresses as flows are shown. ICMP: srcPort is the identifier, dstPort type * 256 + code; GRE: keys. */
export interface EntryTuple {
  readonly src: string;
  readonly dst: string;
  readonly srcPort: number;
  readonly dstPort: number;
}

/** By direction: original, reply. */
export type Both = readonly [original: number, reply: number];

export interface Entry {
  readonly family: 4 | 6;
  readonly protocol: number;
  readonly original: EntryTuple;
  readonly reply: EntryTuple;
  readonly zones: Both;
  readonly mark: number;
  /** Made by an expectation of a helper; null: the listing does not tell. */
  readonly isExpected: boolean | null;
  /** State of the protocol and flags, as the listing writes them: `ESTABLISHED [ASSURED]`. */
  readonly status: string;
  readonly timeoutS: number | null;
  /** Null where the kernel does not account (nf_conntrack_acct). */
  readonly packets: Both | null;
  readonly bytes: Both | null;
  /** Null where the kernel does not note when entries begin (nf_conntrack_timestamp). */
  readonly ageS: number | null;
  /** Names of the interfaces that its first packet came in and left by, where known. */
  readonly in?: string;
  readonly out?: string;
}

/** Entries of one namespace never have both in common. */
export function entryKey({ protocol, original, zones }: Entry): string {
  const { src, dst, srcPort, dstPort } = original;
  return [protocol, src, srcPort, dst, dstPort, ...zones].join(' ');
}
