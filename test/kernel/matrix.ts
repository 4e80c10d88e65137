/**
 * Which kernels a group of tests runs on. `make test` runs the default kernel
 * in full and each group's slice of the others; `make test-kernels` runs every
 * group on all of them, and what came out is written to docs/kernels.md.
 *
 * A test file joins by its line in GROUPS and `describe.each(kernelsOf('its group'))`
 * with `kernel %s` in the name: by that the results are told apart.
 */
import { DEFAULT_KERNEL, LAB_KERNELS } from '../../src/lab/kernels.ts';

export interface Group {
  /** In test/kernel. */
  readonly file: string;
  /** What a reader of the matrix is told. */
  readonly tells: string;
  /** Kernels in `make test`; where not given, the default one; empty: only when it is asked for. */
  readonly slice?: readonly string[];
  /** It is about one kernel, or about the machine: no other is wanted. */
  readonly only?: readonly string[];
}

export const GROUPS: readonly Group[] = [
  {
    file: 'sources.test.ts',
    tells: 'what each fact of a trace is known by, both backends',
    slice: [],
  },
  {
    file: 'late.test.ts',
    tells: 'rules whose modules come after the trace began',
    slice: [],
  },
  {
    file: 'paths.test.ts',
    tells: 'bridges, tunnels, zones, fragments, errors, what is refused',
    slice: [],
  },
  {
    file: 'protocols.test.ts',
    tells: 'queues, helpers, IPVS, flowtables, super-packets',
    slice: [],
  },
  {
    file: 'transports.test.ts',
    tells: 'SCTP, UDP-Lite, DCCP, GRE, SYNPROXY, TPROXY, clones',
    slice: [],
  },
  {
    file: 'failures.test.ts',
    tells: 'what conntrack refuses or loses, with its cause',
    slice: [],
  },
  {
    file: 'states.test.ts',
    tells: 'changes of state',
    slice: [],
  },
  {
    file: 'attach-often.test.ts',
    tells: 'attached and detached 200 times under traffic',
    slice: [],
    only: ['6.1'],
  },
  {
    file: 'selftests.test.ts',
    tells: "the kernel's own tests, with and without a tracer",
    slice: [],
  },
  {
    file: 'kernels.test.ts',
    tells: 'redirect, drops, awkward rules, a translated expression',
    slice: ['5.10'],
    only: ['5.10', '6.12', '7'],
  },
  {
    file: 'scenarios.test.ts',
    tells: 'all scenarios of packets and flows',
  },
  {
    file: 'rules.test.ts',
    tells: 'deciding rules: small, awkward, Kubernetes',
    slice: [],
  },
  { file: 'causes.test.ts', tells: 'why a counter does not move' },
  {
    file: 'filters.test.ts',
    tells: 'filters against tcpdump and nft',
    slice: [],
  },
  {
    file: 'backends.test.ts',
    tells: 'backends and details beside each other',
    slice: [],
  },
  {
    file: 'record.test.ts',
    tells: 'recording: files, losses, ends',
    only: [DEFAULT_KERNEL],
  },
  {
    file: 'refusals.test.ts',
    tells: 'what is refused, in one line, and what to try',
    slice: [],
  },
  {
    file: 'table.test.ts',
    tells: 'the table beside a trace; an entry deleted, its flow mapped anew',
    slice: [],
    only: [DEFAULT_KERNEL],
  },
  { file: 'examples.test.ts', tells: 'examples of the help', only: [DEFAULT_KERNEL] },
  { file: 'lab.test.ts', tells: 'the lab itself', only: [DEFAULT_KERNEL] },
];

/** Newer kernels have no tables of legacy iptables. */
export const hasLegacy = (kernel: string): boolean => kernel !== '7';

const ALL = LAB_KERNELS.map(({ name }) => name);

/**
 * Kernels of this run for one test file: `CONNTRAIL_KERNELS` names them, `all`
 * or a list with commas; else the group's slice.
 */
export function kernelsOf(file: string, asked = process.env.CONNTRAIL_KERNELS): readonly string[] {
  const group = GROUPS.find((one) => one.file === file);
  if (group === undefined) throw new Error(`${file} has no line in GROUPS`);
  if (asked === undefined || asked === '') return group.slice ?? group.only ?? [DEFAULT_KERNEL];
  const wanted = asked === 'all' ? ALL : asked.split(',');
  return ALL.filter((kernel) => wanted.includes(kernel) && (group.only ?? ALL).includes(kernel));
}

/** Files that `make test` leaves to `make test-kernels`. */
export function onlyAsked(asked = process.env.CONNTRAIL_KERNELS): readonly string[] {
  if (asked) return [];
  return GROUPS.filter(({ slice }) => slice?.length === 0).map(({ file }) => file);
}
