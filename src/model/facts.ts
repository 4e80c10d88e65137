/**
 * What a trace must know about the machine it was made on, so that everything
 * after the drain runs anywhere, from a file. JSON at both ends of a capture:
 * `TraceFacts` before the first record, `TraceEnd` after the last.
 */
import type { Ledger } from './ledger.ts';
import type { ProbeChange } from './probe-change.ts';
import type { Ruleset } from './ruleset.ts';

/** How much is traced: flows alone, packets with their visits, and how long each visit took. */
export const DETAILS = ['flows', 'packets', 'visits'] as const;
export type Detail = (typeof DETAILS)[number];

/** What a trace may tell beside: changes of state with flows alone, each packet that is refused. */
const EXTRAS = ['states', 'refusals'] as const;
export type Extra = (typeof EXTRAS)[number];

/** How the probes are attached. */
export const BACKENDS = ['fentry', 'kprobe'] as const;
export type Backend = (typeof BACKENDS)[number];

/** Of bpf/record.h: raised when a reader of the one before would misread. */
export const RECORD_VERSION = 5;
/** Read rightly too, as all since: 2 names no rules, 3 has no two tuples in one record. */
export const OLDEST_RECORD_VERSION = 2;

/** A network namespace as it was when the trace began. */
export interface NetnsPlace {
  /** Names of interfaces by number. */
  readonly interfaces: Readonly<Record<string, string>>;
  /** Its own addresses, as text. */
  readonly addresses: readonly string[];
}

export interface TraceFacts {
  /** Version of the record layout; a reader refuses another. */
  readonly recordVersion: number;
  readonly recordBytes: number;
  readonly node: string;
  /** One for each start of the kernel (/proc/sys/kernel/random/boot_id); absent in older traces. */
  readonly bootId?: string;
  /** uname -r and the machine's architecture as node names it. */
  readonly kernel: string;
  readonly arch: string;
  readonly cpus: number;
  /** Wall clock minus CLOCK_MONOTONIC at the start, ns, as a decimal. */
  readonly clockOffsetNs: string;
  /** enum skb_drop_reason of that kernel, by number. */
  readonly dropReasons: Readonly<Record<string, string>>;
  /** What is attached: "kprobe nf_hook_slow" and so on, and what could not be, with the reason. */
  readonly attached: readonly string[];
  readonly notAvailable: readonly string[];
  /** What the trace can say, and how it knows it; of older traces empty. */
  readonly sources: Readonly<Record<string, string>>;
  readonly detail: Detail;
  /** Those whose probe is attached; of older traces empty. */
  readonly extras: readonly Extra[];
  readonly backend: Backend;
  /** One of so many flows was traced; 1: every one. */
  readonly sample: number;
  /** The text of --filter, empty for none. */
  readonly filter: string;
  /** Names of network namespaces by inode, where known. */
  readonly netnsNames: Readonly<Record<string, string>>;
  /** By inode; a namespace that could not be asked is not in it. */
  readonly places: Readonly<Record<string, NetnsPlace>>;
}

/** CLOCK_MONOTONIC, ns, as decimals. */
export interface TraceTimes {
  /** When all probes were attached; null: not kept by the version that made the trace. */
  readonly startedKtimeNs: string | null;
  /** When the probes were taken away. */
  readonly endedKtimeNs: string;
  /** Probes attached or lost in between, as modules of the kernel came and went. */
  readonly probeChanges: readonly ProbeChange[];
}

export interface TraceEnd extends TraceTimes {
  readonly ledger: Ledger;
  /** Kernel functions by the addresses that records mention, both as text ("0x…"). */
  readonly symbols: Readonly<Record<string, string>>;
  /** The loaded rules as they were read at the start, after changes, and at the end. */
  readonly rulesets: readonly Ruleset[];
}
