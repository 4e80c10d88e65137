/**
 * All probes of one trace. Those of the start are one object; what modules of
 * the kernel bring later is attached from further ones, which write into the
 * same maps. A new object each time, since a program is fitted to the kernel's
 * types when it is loaded: without nf_tables nothing knows how its rules are
 * kept, and fentry does not know the function. What goes with its module is
 * taken away.
 */

import { moduleSettled } from '../kernel/modules.ts';
import { loadSymbols, type Symbols } from '../kernel/symbols.ts';
import type { BpfObject, Program } from '../libbpf/index.ts';
import { messageOf, TraceError } from '../model/error.ts';
import type { Backend } from '../model/facts.ts';
import type { ModuleChange, ProbeChange } from '../model/probe-change.ts';
import { type Place, placeText } from './attach.ts';
import { type Loaded, type LoadOptions, loadAgain } from './load.ts';
import type { Probe, ProbePlan } from './plan.ts';
import { planFor } from './plan-here.ts';

/** Programs that were fitted to what a module has: loaded again when it comes. */
const FITTED: Readonly<Record<string, RegExp>> = {
  nf_tables: /^(xt_[sd]nat_target_v\d|masquerade_tg6?|redirect_tg\d|netmap_tg\d)$/,
  nf_conntrack: /^hook_enter$/,
  nfnetlink_queue: /^packet_drop$/, // where a reinjected packet is dropped
};

interface Part {
  readonly object: BpfObject;
  readonly backend: Backend;
}

interface KnownPlace extends Place {
  readonly part: Part;
  /** The module of its function; undefined in the kernel itself. */
  readonly module: string | undefined;
}

interface Attempt {
  readonly places: readonly Place[];
  readonly refused: readonly string[];
}

export class Probes {
  /** Has the maps that all write into. */
  readonly object: BpfObject;
  symbols: Symbols;
  private readonly options: LoadOptions;
  private readonly plan: ProbePlan;
  private readonly parts: Part[];
  private places: KnownPlace[];

  constructor(loaded: Loaded, symbols: Symbols, options: LoadOptions) {
    const part = { object: loaded.object, backend: loaded.plan.backend };
    this.object = loaded.object;
    this.plan = loaded.plan;
    this.symbols = symbols;
    this.options = options;
    this.parts = [part];
    this.places = loaded.attached.places.map((place) => this.known(place, part));
  }

  /** Programs that are loaded, of all objects. */
  get programs(): Program[] {
    return this.parts.flatMap(({ object }) =>
      object.programs.filter((program) => program.isLoadedByDefault),
    );
  }

  /** Attaches what the modules brought; returns undefined where that is nothing. Never throws. */
  async follow(changes: readonly ModuleChange[]): Promise<ProbeChange | undefined> {
    const gone = changes.filter(({ isGone }) => isGone).map(({ name }) => name);
    const come = changes.filter(({ isGone }) => !isGone).map(({ name }) => name);
    const lost = this.takeAway(({ module }) => module !== undefined && gone.includes(module));
    for (const name of come) await moduleSettled(name);
    const { places, refused } = await this.attachMissing(new Set(come));
    const attached = places.map(({ probe }) => placeText(probe));
    if (attached.length + lost.length + refused.length === 0) return undefined;
    const ktimeNs = process.hrtime.bigint().toString();
    return { ktimeNs, attached, lost: lost.map(({ probe }) => placeText(probe)), refused };
  }

  detach(): void {
    this.takeAway(() => true);
  }

  close(): void {
    this.detach();
    for (const { object } of this.parts.splice(0)) object.close();
  }

  private async attachMissing(come: ReadonlySet<string>): Promise<Attempt> {
    try {
      return await this.attachSome(come);
    } catch (error) {
      return { places: [], refused: [messageOf(error)] };
    }
  }

  private async attachSome(come: ReadonlySet<string>): Promise<Attempt> {
    this.symbols = loadSymbols();
    const { backend } = this.plan;
    const missing = this.missing(come, backend);
    if (missing.length === 0) return { places: [], refused: [] };
    try {
      return await this.attach(backend, missing);
    } catch (error) {
      const reason = `${backend}: ${messageOf(error)}`;
      if (backend === 'kprobe' || this.options.backend !== undefined) {
        return { places: [], refused: [reason] };
      }
      const { places, refused } = await this.attach('kprobe', this.missing(come, 'kprobe'));
      return { places, refused: [reason, ...refused] };
    }
  }

  /** The new ones are in place before the old ones go. */
  private async attach(backend: Backend, probes: readonly Probe[]) {
    const plan = { ...this.plan, backend, probes, runs: [] };
    const { object, attached } = await loadAgain(plan, this.symbols, this.options, this.object);
    const part = { object, backend };
    const names = new Set(attached.places.map(({ probe }) => probe.function));
    this.takeAway(({ probe }) => names.has(probe.function));
    this.parts.push(part);
    this.places.push(...attached.places.map((place) => this.known(place, part)));
    return attached;
  }

  private missing(come: ReadonlySet<string>, backend: Backend): readonly Probe[] {
    const there = new Set(this.places.map(({ probe }) => probe.function));
    const isOutOfDate = ({ program }: Probe): boolean =>
      [...come].some((module) => FITTED[module]?.test(program));
    try {
      const { probes } = planFor(this.symbols, this.options, backend);
      const wanted = probes.filter((one) => !there.has(one.function) || isOutOfDate(one));
      const again = new Set(wanted.map((one) => one.function));
      return probes.filter((one) => again.has(one.function)); // entry and return: of one object
    } catch (error) {
      if (error instanceof TraceError) return []; // nf_conntrack is gone: nothing to see
      throw error;
    }
  }

  /** Ends those places, and objects that have none left. */
  private takeAway(isMeant: (place: KnownPlace) => boolean): readonly KnownPlace[] {
    const taken = this.places.filter(isMeant);
    this.places = this.places.filter((place) => !taken.includes(place));
    for (const { link } of taken) link.destroy();
    for (const part of this.parts.slice(1)) {
      if (this.places.some((place) => place.part === part)) continue;
      part.object.close();
      this.parts.splice(this.parts.indexOf(part), 1);
    }
    return taken;
  }

  private known(place: Place, part: Part): KnownPlace {
    const [found] = this.symbols.functions(place.probe.function);
    return { ...place, part, module: found?.module };
  }
}
