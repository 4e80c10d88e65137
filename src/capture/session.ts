import { loadedModules } from '../kernel/modules.ts';
import { isAtLeast, kernelRelease } from '../kernel/release.ts';
import { loadSymbols } from '../kernel/symbols.ts';
import { Drain, type DrainResult, possibleCpus } from '../libbpf/index.ts';
import type { Backend, Detail, TraceFacts } from '../model/facts.ts';
import type { ModuleChange, ProbeChange } from '../model/probe-change.ts';
import { recordBytes } from '../wire/layout.ts';
import { type FilterWords, forFlowsAlone, readFilter } from './filter.ts';
import { type CpuCounters, openCalls, readCounters } from './kernel-counters.ts';
import { type Loaded, loadProbes } from './load.ts';
import { wordBytes } from './map-bytes.ts';
import { TELL_OPEN, TELL_QUEUED, TELL_TAKEN } from './plan.ts';
import { Probes } from './probes.ts';
import { checkKernel } from './requirements.ts';
import { defaultRingBytes, type Rings } from './rings.ts';
import { factsOf, type Known } from './trace-facts.ts';

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
  /** With flows alone: their changes of state, too, by a probe that each packet meets. */
  readonly states: boolean;
  /** Each packet that conntrack refuses, also where no packets are traced. */
  readonly refusals: boolean;
}

export class Session {
  readonly facts: TraceFacts;
  readonly cpus: number;
  private readonly probes: Probes;
  private readonly rings: Rings;
  private readonly drain: Drain;
  private readonly runs: readonly string[];
  /** Modules that were loaded when the probes were planned. */
  private readonly modules: ReadonlySet<string>;
  private following: Promise<unknown> = Promise.resolve();

  private constructor(loaded: Loaded, drain: Drain, probes: Probes, options: Known) {
    this.probes = probes;
    this.rings = loaded.rings;
    this.drain = drain;
    this.runs = loaded.plan.runs;
    this.modules = options.modules;
    this.cpus = options.cpus;
    this.facts = factsOf(loaded, options);
  }

  /** Loads and attaches; records come after `start()`. */
  static open(options: SessionOptions): Session {
    const asked = readFilter(options);
    const filter = options.detail === 'flows' ? forFlowsAlone(asked, options) : asked;
    checkKernel();
    const modules = loadedModules();
    const symbols = loadSymbols();
    const cpus = possibleCpus();
    const ringBytes = options.ringBytes ?? defaultRingBytes(cpus);
    const wakeBytes = ringBytes / 8;
    const known = { ...options, cpus, modules, text: filter.text };
    const how = { ...known, filter, ringBytes, wakeBytes };
    const loaded = loadProbes(symbols, how);
    const probes = new Probes(loaded, symbols, how);
    try {
      const drain = Drain.open(loaded.rings.fds, recordBytes, { wakeBytes });
      return new Session(loaded, drain, probes, known);
    } catch (error) {
      probes.close();
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

  /**
   * Modules of the kernel came or went, as records tell: attaches what they
   * brought. Resolves to what was changed, undefined where nothing was.
   */
  follow(changes: readonly ModuleChange[]): Promise<ProbeChange | undefined> {
    const done = this.following.then(() => this.probes.follow(changes));
    this.following = done.catch(() => undefined);
    return done;
  }

  /** Modules that came after the probes were planned and before `start()`. */
  modulesMissed(): readonly ModuleChange[] {
    const come = [...loadedModules()].filter((name) => !this.modules.has(name));
    return come.map((name) => ({ name, isGone: false }));
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
    await this.following;
    this.setPhase(Phase.stopping);
    for (let waited = 0; waited < SETTLE_MS && openCalls(this.counters()) > 0; ) {
      await pause(SETTLE_STEP_MS);
      waited += SETTLE_STEP_MS;
    }
    this.probes.detach();
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

  /** The same for packets that a hook kept in silence, and that nobody has asked for since. */
  tellTaken(): number {
    return this.run(TELL_TAKEN);
  }

  counters(): CpuCounters[] {
    return readCounters(this.probes.object, this.cpus);
  }

  /** Probe runs that the kernel left out; null where it does not count them. */
  recursionMisses(): number | null {
    const isCounted = this.facts.backend === 'fentry' || isAtLeast(kernelRelease(), 6, 7);
    if (!isCounted) return null;
    return this.probes.programs.reduce((sum, program) => sum + program.recursionMisses, 0);
  }

  /** The kernel function at an address, or the address where there is none. */
  symbolAt(address: bigint): string {
    return this.probes.symbols.nameAt(address) ?? `0x${address.toString(16)}`;
  }

  async close(): Promise<void> {
    await this.drain.close();
    await this.following;
    this.probes.close();
    this.rings.close();
  }

  private run(name: string): number {
    return this.runs.includes(name) ? this.probes.object.program(name).run() : 0;
  }

  private setPhase(phase: number): void {
    this.probes.object.map('phase').update(wordBytes(0), wordBytes(phase));
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
