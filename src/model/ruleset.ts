/**
 * Loaded rules as data: what the kernel would ask of a packet, in the order in
 * which it asks, as far as it can be told from the backends' own listings.
 * JSON at both ends, so that a trace carries the rules it was made under.
 */
import type { HookName } from './codes.ts';

/** `nft`: native rules. `iptables-nft`: kept by nf_tables, written by iptables. */
export type RulesBackend = 'nft' | 'iptables-nft' | 'legacy';

/** Both ends included; text of equal form on both: an address, a port, a number, a name. */
export type Interval = readonly [first: string, last: string];

/** What of a packet, its entry or its way a term looks at. */
export type Field =
  | 'family' // 4 or 6
  | 'protocol' // IANA number
  | 'src'
  | 'dst' // addresses as they are at that hook
  | 'src_port'
  | 'dst_port'
  | 'in'
  | 'out' // interface names; a trailing * stands for any ending
  | 'mark' // of the packet, and
  | 'ct_mark' // of its entry; with Term.mask
  | 'state' // new, established, related, untracked, invalid
  | 'dst_type'
  | 'src_type'; // local, unicast, broadcast, multicast: by the routing table

/**
 * One condition; the terms of a rule must all hold. `any`: one of these rows,
 * each with an interval per field (a concatenation has several fields).
 * `unknown`: what cannot be evaluated from a trace, as the rule's text says it.
 */
export type Term =
  | {
      readonly fields: readonly Field[];
      readonly any: readonly (readonly Interval[])[];
      readonly not?: true;
      /** For marks: compared after `& mask`. */
      readonly mask?: number;
    }
  | { readonly unknown: string };

export type Manip = 'src' | 'dst';

/** Where a NAT statement maps to. A null list: as it is. Masquerade: an address of `out`. */
export interface Target {
  readonly kind: 'snat' | 'dnat' | 'masquerade' | 'redirect' | 'netmap';
  readonly manip: Manip;
  readonly addresses: readonly Interval[] | null;
  readonly ports: readonly Interval[] | null;
}

export type Action =
  | ({ readonly does: 'nat' } & Target)
  /** `dnat to ip daddr . tcp dport map { … }`: a key without an element does not match. */
  | {
      readonly does: 'nat map';
      readonly fields: readonly Field[];
      /**
       * One row per element: intervals of the key, and its target; of several that
       * hold the first one counts. Null: the key is not evaluable.
       */
      readonly elements:
        | readonly { readonly key: readonly Interval[]; readonly to: Target }[]
        | null;
      /** Every target that may come out. */
      readonly targets: readonly Target[];
    }
  | { readonly does: 'jump' | 'goto'; readonly chain: string }
  | {
      readonly does: 'verdict map';
      readonly fields: readonly Field[] | null; // null: not evaluable (numgen, jhash), keys are empty
      /** Of several that hold the first one counts; without one the rule does not match. */
      readonly elements: readonly { readonly key: readonly Interval[]; readonly action: Action }[];
    }
  | { readonly does: 'accept' | 'drop' | 'return' | 'queue' }
  /** Sets the packet's mark to (mark & ~mask) ^ value, as xt_MARK says it. */
  | { readonly does: 'mark'; readonly mask: number; readonly value: number }
  /** Sets a mark to what the rules alone do not tell: of the other mark, of a map. */
  | { readonly does: 'mark unknown'; readonly field: 'mark' | 'ct_mark' }
  /** Goes on with the next rule: counter, log, comment, anything without a verdict. */
  | { readonly does: 'continue' };

export interface Rule {
  /** nf_tables: unique within its table for ever. legacy: 0. */
  readonly handle: number;
  /** Place in its chain, from 1, as `iptables -L --line-numbers` counts. */
  readonly number: number;
  /** legacy: bytes from the beginning of the table to the entry; else absent. */
  readonly offset?: number;
  /** As its own tool writes it, counters left out. */
  readonly text: string;
  readonly terms: readonly Term[];
  /** In the order of the rule's statements; the last one may be its verdict. */
  readonly actions: readonly Action[];
  /** Of its own counter or the named one it counts in; absent where it counts nothing. */
  readonly packets?: number;
  readonly bytes?: number;
}

export interface BaseHook {
  readonly type: string; // nat, filter, route
  readonly hook: HookName;
  readonly priority: number;
  readonly policy: 'accept' | 'drop';
}

export interface Chain {
  readonly backend: RulesBackend;
  /** As nft names it: ip, ip6, inet. */
  readonly family: string;
  readonly table: string;
  /** nft: the table's own handle, never used twice in a namespace. legacy: 0. */
  readonly tableHandle: number;
  readonly name: string;
  /** Absent for a chain that is only jumped to. */
  readonly base?: BaseHook;
  readonly rules: readonly Rule[];
}

/**
 * The nat rules of one namespace at one time: every base chain of type nat and
 * every chain that they lead to, base chains in the order in which the kernel
 * asks those of one hook: by priority, of equal priority the one made last first.
 */
export interface Ruleset {
  readonly netns: number;
  /** CLOCK_MONOTONIC when it had been read, ns, as a decimal. */
  readonly readAtNs: string;
  readonly chains: readonly Chain[];
  /** What could not be read or resolved, one line each. */
  readonly notes: readonly string[];
}
