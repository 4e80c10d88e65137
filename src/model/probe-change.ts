/** What changes about the probes while a trace runs: modules of the kernel come and go. */

export interface ModuleChange {
  /** As in /proc/modules; a name of more than 31 characters is cut. */
  readonly name: string;
  /** It was freed; else it was loaded, and its init function had not run yet. */
  readonly isGone: boolean;
}

/** Probes that were attached or lost after the trace had begun. */
export interface ProbeChange {
  /** CLOCK_MONOTONIC when all of it was done, ns, as a decimal. */
  readonly ktimeNs: string;
  /** As in TraceFacts: "fentry nft_masq_eval". */
  readonly attached: readonly string[];
  /** Their module is gone, and they with it. */
  readonly lost: readonly string[];
  /** With the reason. */
  readonly refused: readonly string[];
}
