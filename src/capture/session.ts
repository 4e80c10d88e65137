/**
 * From "what to trace" to drained bytes: loads the probes, attaches them, and
 * takes them away again. Owns everything in the kernel that belongs to one
 * trace; nothing of it outlives `close()`, nor the process.
 */
import { hostname } from 'node:os';
import { clockOffsetNs } from '../kernel/clock.ts';
import { dropReasons } from '../kernel/drop-reasons.ts';
import { netnsNames } from '../kernel/netns.ts';
import { kernelRelease } from '../kernel/release.ts';
import { loadSymbols, type Symbols } from '../kernel/symbols.ts';
import { BpfObject, Drain, type DrainResult, type Link, possibleCpus } from '../libbpf/index.ts';
import type { TraceFacts } from '../model/facts.ts';
import { recordBytes } from '../wire/layout.ts';
import { type Attached, attachProbes, chooseProbes } from './attach.ts';
import { type Filter, type FilterWords, readFilter } from './filter.ts';
import { type CpuCounters, openCalls, readCounters } from './kernel-counters.ts';
import { wordBytes } from './map-bytes.ts';
import { OBJECT_PATH } from './object.ts';
import { type ProbePlan, planProbes } from './plan.ts';
import { checkKernel, flowEntries } from './requirements.ts';
import { defaultRingBytes, Rings } from './rings.ts';

/** Of record.h; a capture of another major version is refused. */
export const RECORD_VERSION = 1;

/** enum phase of bpf/maps.h. */
const Phase = { off: 0, warming: 1, on: 2, stopping: 3 } as const;

/** Calls that began before the probes came, or before they go, return within this. */
const SETTLE_MS = 200;
const SETTLE_STEP_MS = 10;

export interface SessionOptions extends FilterWords {
  /** Bytes of each CPU's ring; undefined: as the number of CPUs suggests. */
  readonly ringBytes?: number | undefined;
}

export class Session {
  readonly facts: TraceFacts;
  readonly cpus: number;
  private readonly object: BpfObject;
  private readonly rings: Rings;
  private readonly drain: Drain;
  private readonly symbols: Symbols;
  private links: Link[];

  private constructor(parts: {
    object: BpfObject;
    rings: Rings;
    drain: Drain;
    symbols: Symbols;
    attached: Attached;
    plan: ProbePlan;
    filter: string;
    cpus: number;
  }) {
    this.object = parts.object;
    this.rings = parts.rings;
    this.drain = parts.drain;
    this.symbols = parts.symbols;
    this.links = parts.attached.links;
    this.cpus = parts.cpus;
    this.facts = factsOf(parts.cpus, parts.filter, parts.plan, parts.attached);
  }

  /** Loads and attaches; records come after `start()`. */
  static open(options: SessionOptions): Session {
    const filter = readFilter(options);
    checkKernel();
    const symbols = loadSymbols();
    const plan = planProbes((name) => symbols.has(name), kernelRelease());
    const cpus = possibleCpus();
    const bytes = options.ringBytes ?? defaultRingBytes(cpus);
    const wakeBytes = bytes / 8;
    const object = openObject(filter);
    const close: (() => void)[] = [() => object.close()];
    try {
      chooseProbes(object, plan);
      object.rodata('filter').write(filter.terms);
      object.rodata('cpus').write(wordBytes(cpus));
      object.rodata('wake_bytes').write(wordBytes(wakeBytes));
      object.map('flows').setMaxEntries(flowEntries());
      const rings = Rings.create(object, cpus, bytes);
      close.push(() => rings.close());
      object.load();
      rings.install(object);
      const attached = attachProbes(object, plan);
      close.push(() => {
        for (const link of attached.links) link.destroy();
      });
      const drain = Drain.open(rings.fds, recordBytes, { wakeBytes });
      const { text } = filter;
      return new Session({ object, rings, drain, symbols, attached, plan, filter: text, cpus });
    } catch (error) {
      for (const undo of close.reverse()) undo();
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

  counters(): CpuCounters[] {
    return readCounters(this.object);
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

  private setPhase(phase: number): void {
    this.object.map('phase').update(wordBytes(0), wordBytes(phase));
  }
}

/** An expression that the terms cannot say is code of its own. */
function openObject({ program }: Filter): BpfObject {
  if (program === undefined) return BpfObject.open(OBJECT_PATH);
  return BpfObject.openReplaced(OBJECT_PATH, 'pcap_program', program);
}

function factsOf(cpus: number, filter: string, plan: ProbePlan, attached: Attached): TraceFacts {
  return {
    recordVersion: RECORD_VERSION,
    recordBytes,
    node: hostname(),
    kernel: kernelRelease().text,
    arch: process.arch,
    cpus,
    clockOffsetNs: clockOffsetNs().toString(),
    dropReasons: dropReasons(),
    attached: attached.done,
    notAvailable: [...plan.notAvailable, ...attached.refused],
    filter,
    netnsNames: netnsNames(),
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
