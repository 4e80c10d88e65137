/**
 * A probe plan to programs in the kernel: settings written, loaded, attached.
 * Where the kernel refuses fentry, kprobes are tried, unless fentry was asked for.
 */
import type { Symbols } from '../kernel/symbols.ts';
import { BpfObject } from '../libbpf/index.ts';
import { TraceError } from '../model/error.ts';
import type { Backend, Detail } from '../model/facts.ts';
import { type Attached, attachProbes, chooseProbes } from './attach.ts';
import { writeFailureSettings } from './failure-settings.ts';
import type { Filter } from './filter.ts';
import { hookAddresses, writeAddresses } from './hook-addresses.ts';
import { wordBytes } from './map-bytes.ts';
import { objectPath } from './object.ts';
import type { ProbePlan } from './plan.ts';
import { planFor } from './plan-here.ts';
import { checkFunctionBtf, flowEntries, hasFunctionBtf } from './requirements.ts';
import { Rings } from './rings.ts';

/** Packets that wait for verdicts of user space at once; a queue holds 1024 unless told otherwise. */
const QUEUED_PACKETS = 4096;

export interface LoadOptions {
  readonly detail: Detail;
  /** Undefined: fentry where the kernel can, else kprobe. */
  readonly backend?: Backend | undefined;
  readonly sample: number;
  readonly everywhere: boolean;
  readonly states: boolean;
  /** Probes too that tell each packet that conntrack refuses. */
  readonly refusals: boolean;
  readonly filter: Filter;
  readonly ringBytes: number;
  readonly wakeBytes: number;
  readonly cpus: number;
}

export interface Loaded {
  readonly object: BpfObject;
  readonly rings: Rings;
  readonly attached: Attached;
  readonly plan: ProbePlan;
}

export function loadProbes(symbols: Symbols, options: LoadOptions): Loaded {
  const plan = (backend: Backend) => planFor(symbols, options, backend);
  if (options.backend !== undefined) {
    const asked = plan(options.backend);
    if (options.backend === 'fentry') checkFunctionBtf(symbols);
    return load(asked, symbols, options);
  }
  const kprobe = plan('kprobe');
  if (!hasFunctionBtf(symbols)) return load(kprobe, symbols, options);
  try {
    return load(plan('fentry'), symbols, options);
  } catch (error) {
    if (!(error instanceof TraceError)) throw error;
    const reason = `fentry: ${error.message}`;
    return load({ ...kprobe, notAvailable: [...kprobe.notAvailable, reason] }, symbols, options);
  }
}

/**
 * The same object once more, for what can be attached only now: it has the maps
 * of the first one, and settings of its own, which say what the kernel is like now.
 */
export async function loadAgain(
  plan: ProbePlan,
  symbols: Symbols,
  options: LoadOptions,
  first: BpfObject,
): Promise<Pick<Loaded, 'object' | 'attached'>> {
  const object = openObject(plan.backend, options.filter);
  try {
    chooseProbes(object, plan);
    writeSettings(object, symbols, options);
    for (const map of object.maps.filter(({ name }) => !name.includes('.'))) {
      map.reuse(first.map(map.name).fd);
    }
    await object.loadAside();
    return { object, attached: attachProbes(object, plan) };
  } catch (error) {
    object.close();
    throw error;
  }
}

function load(plan: ProbePlan, symbols: Symbols, options: LoadOptions): Loaded {
  const { cpus } = options;
  const object = openObject(plan.backend, options.filter);
  const close: (() => void)[] = [() => object.close()];
  try {
    chooseProbes(object, plan);
    const everywhere = writeSettings(object, symbols, options);
    object.map('flows').setMaxEntries(flowEntries());
    if (options.detail !== 'flows') object.map('queued').setMaxEntries(QUEUED_PACKETS);
    for (const name of ['packets', 'calls', 'counters', 'notes']) {
      const map = object.map(name);
      map.setMaxEntries(map.maxEntries * cpus);
    }
    const rings = Rings.create(object, cpus, options.ringBytes);
    close.push(() => rings.close());
    object.load();
    rings.install(object);
    const notAvailable = [...plan.notAvailable, ...everywhere];
    return {
      object,
      rings,
      attached: attachProbes(object, plan),
      plan: { ...plan, notAvailable },
    };
  } catch (error) {
    for (const undo of close.reverse()) undo();
    throw error;
  }
}

/** An expression that the terms cannot say is code of its own. */
function openObject(backend: Backend, { program }: Filter): BpfObject {
  const path = objectPath(backend);
  if (program === undefined) return BpfObject.open(path);
  return BpfObject.openReplaced(path, 'pcap_program', program);
}

/** Returns what could not be set, with the reason. */
function writeSettings(object: BpfObject, symbols: Symbols, options: LoadOptions): string[] {
  const { cpus, wakeBytes, sample, detail } = options;
  const addresses = hookAddresses(symbols);
  const everywhere = options.everywhere || addresses === undefined;
  object.rodata('filter').write(options.filter.terms);
  object.rodata('cpus').write(wordBytes(cpus));
  object.rodata('wake_bytes').write(wordBytes(wakeBytes));
  object.rodata('sample').write(wordBytes(sample));
  object.rodata('has_leaves').write(Uint8Array.of(detail === 'visits' ? 1 : 0));
  object.rodata('accounts').write(Uint8Array.of(detail === 'flows' ? 1 : 0));
  object.rodata('everywhere').write(Uint8Array.of(everywhere ? 1 : 0));
  if (addresses !== undefined) writeAddresses(object, addresses);
  writeFailureSettings(object, symbols, options.refusals);
  return addresses === undefined
    ? ['kernel addresses are hidden: packets are traced where conntrack is not at work, too']
    : [];
}
