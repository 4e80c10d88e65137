/**
 * From "what to trace" to drained bytes: loads the probes, attaches them, and
 * takes them away again. Owns everything in the kernel that belongs to one
 * trace; nothing of it outlives `close()`, nor the process.
 */
import { hostname } from 'node:os';
import { clockOffsetNs } from '../kernel/clock.ts';
import { dropReasons } from '../kernel/drop-reasons.ts';
import { netnsNames } from '../kernel/netns.ts';
import { netnsPlaces } from '../kernel/netns-places.ts';
import { isAtLeast, kernelRelease } from '../kernel/release.ts';
import { loadSymbols, type Symbols } from '../kernel/symbols.ts';
import {
  type BpfObject,
  Drain,
  type DrainResult,
  type Link,
  possibleCpus,
} from '../libbpf/index.ts';
import { type Backend, type Detail, RECORD_VERSION, type TraceFacts } from '../model/facts.ts';
import { recordBytes } from '../wire/layout.ts';
import { type FilterWords, forFlowsAlone, readFilter } from './filter.ts';
import { type CpuCounters, openCalls, readCounters } from './kernel-counters.ts';
import { type Loaded, loadProbes } from './load.ts';
import { wordBytes } from './map-bytes.ts';
import { TELL_OPEN, TELL_QUEUED } from './plan.ts';
import { checkKernel } from './requirements.ts';
import { defaultRingBytes, type Rings } from './rings.ts';

/** enum phase of bpf/maps.h. */
const Phase = { off: 0, warming: 1, on: 2, stopping: 3 } as const;

/** Calls that began before the probes came, or before they go, return within this. */
const SETTLE_MS = 200;
const SETTLE_STEP_MS = 10;

export interface SessionOptions extends FilterWords {
  /** Bytes of each CPU's ring; undefined: as the number of CPUs suggests. */
  readonly ringBytes?: number | undefined;
  readonly detail: Detail;
  /** Undefined: fentry where the kernel can, else kprobe. */
  readonly backend?: Backend | undefined;
  /** One of so many flows is traced. */
  readonly sample: number;
  /** Packets too where conntrack is not at work. */
  readonly everywhere: boolean;
}

export class Session {
  readonly facts: TraceFacts;
  readonly cpus: number;
  private readonly object: BpfObject;
  private readonly rings: Rings;
  private readonly drain: Drain;
  private readonly symbols: Symbols;
  private readonly runs: readonly string[];
  private links: Link[];

  private constructor(loaded: Loaded, drain: Drain, symbols: Symbols, options: Known) {
    this.object = loaded.object;
    this.rings = loaded.rings;
    this.drain = drain;
    this.symbols = symbols;
    this.links = loaded.attached.links;
    this.runs = loaded.plan.runs;
    this.cpus = options.cpus;
    this.facts = factsOf(loaded, options);
  }

  /** Loads and attaches; records come after `start()`. */
  static open(options: SessionOptions): Session {
    const asked = readFilter(options);
    const filter = options.detail === 'flows' ? forFlowsAlone(asked, options) : asked;
    checkKernel();
    const symbols = loadSymbols();
    const cpus = possibleCpus();
    const ringBytes = options.ringBytes ?? defaultRingBytes(cpus);
    const wakeBytes = ringBytes / 8;
    const known = { ...options, cpus, text: filter.text };
    const loaded = loadProbes(symbols, { ...known, filter, ringBytes, wakeBytes });
    try {
      const drain = Drain.open(loaded.rings.fds, recordBytes, { wakeBytes });
      return new Session(loaded, drain, symbols, known);
    } catch (error) {
      for (const link of loaded.attached.links) link.destroy();
      loaded.object.close();
      loaded.rings.close();
      throw error;
    }
  }

  /** Lets the probes speak. Resolves when calls that began before have returned. */
  async start(): Promise<void> {
    this.setPhase(Phase.warming);
    await pause(SETTLE_STEP_MS * 5);
    this.setPhase(Phase.on);
  }

  /** Waits up to `timeoutMs` and takes what the rings hold; see Drain.waitTake. */
  take(buffer: Uint8Array, timeoutMs: number): Promise<DrainResult> {
    return this.drain.waitTake(buffer, timeoutMs);
  }

  /** Ends a wait that is going on. */
  wake(): void {
    this.drain.wake();
  }

  /** Nothing new begins; calls under way come home; then no probe is left. Records may wait. */
  async stop(): Promise<void> {
    this.setPhase(Phase.stopping);
    for (let waited = 0; waited < SETTLE_MS && openCalls(this.counters()) > 0; ) {
      await pause(SETTLE_STEP_MS);
      waited += SETTLE_STEP_MS;
    }
    const links = this.links;
    this.links = [];
    for (const link of links) link.destroy();
  }

  /**
   * Asks for what conntrack counted of entries that stay in the table; so many
   * records come, until there are none left. Only for flows alone.
   */
  tellOpen(): number {
    return this.run(TELL_OPEN);
  }

  /** The same for packets that wait in a queue of user space, after `stop()`. */
  tellQueued(): number {
    return this.run(TELL_QUEUED);
  }

  counters(): CpuCounters[] {
    return readCounters(this.object, this.cpus);
  }

  /** Probe runs that the kernel left out; null where it does not count them. */
  recursionMisses(): number | null {
    const isCounted = this.facts.backend === 'fentry' || isAtLeast(kernelRelease(), 6, 7);
    if (!isCounted) return null;
    const running = this.object.programs.filter((program) => program.isLoadedByDefault);
    return running.reduce((sum, program) => sum + program.recursionMisses, 0);
  }

  /** The kernel function at an address, or the address where there is none. */
  symbolAt(address: bigint): string {
    return this.symbols.nameAt(address) ?? `0x${address.toString(16)}`;
  }

  async close(): Promise<void> {
    await this.drain.close();
    for (const link of this.links) link.destroy();
    this.links = [];
    this.object.close();
    this.rings.close();
  }

  private run(name: string): number {
    return this.runs.includes(name) ? this.object.program(name).run() : 0;
  }

  private setPhase(phase: number): void {
    this.object.map('phase').update(wordBytes(0), wordBytes(phase));
  }
}

type Known = SessionOptions & { readonly cpus: number; readonly text: string };

function factsOf({ plan, attached }: Loaded, options: Known): TraceFacts {
  return {
    recordVersion: RECORD_VERSION,
    recordBytes,
    node: hostname(),
    kernel: kernelRelease().text,
    arch: process.arch,
    cpus: options.cpus,
    clockOffsetNs: clockOffsetNs().toString(),
    dropReasons: dropReasons(),
    attached: attached.done,
    notAvailable: [...plan.notAvailable, ...attached.refused],
    detail: options.detail,
    backend: plan.backend,
    sample: options.sample,
    filter: options.text,
    netnsNames: netnsNames(),
    places: netnsPlaces(),
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
