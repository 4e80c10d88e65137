/** A probe plan to programs in place. */
import type { BpfObject, Link } from '../libbpf/index.ts';
import { TraceError } from '../model/error.ts';
import type { Probe, ProbePlan } from './plan.ts';

/** A probe in place. */
export interface Place {
  readonly probe: Probe;
  readonly link: Link;
}

export interface Attached {
  readonly places: Place[];
  /** What could not be attached, with the reason. */
  readonly refused: string[];
}

/** `kprobe nf_hook_slow`: how the facts of a trace name it. */
export function placeText({ kind, function: name }: Probe): string {
  return `${kind} ${name}`;
}

export function chooseProbes(object: BpfObject, plan: ProbePlan): void {
  const wanted = new Set([...plan.probes.map((probe) => probe.program), ...plan.runs]);
  for (const program of object.programs) program.setAutoload(wanted.has(program.name));
}

/** A probe that is not required and is refused is no error: the facts of the trace name it. */
export function attachProbes(object: BpfObject, plan: ProbePlan): Attached {
  const attached: Attached = { places: [], refused: [] };
  try {
    for (const probe of plan.probes) attachOne(object, probe, attached);
  } catch (error) {
    for (const { link } of attached.places) link.destroy();
    throw error;
  }
  return attached;
}

function attachOne(object: BpfObject, probe: Probe, attached: Attached): void {
  const program = object.program(probe.program);
  const isReturn = probe.kind === 'kretprobe';
  try {
    const link =
      isReturn || probe.kind === 'kprobe'
        ? program.attachKprobe(probe.function, { isReturn })
        : program.attach();
    attached.places.push({ probe, link });
  } catch (error) {
    if (probe.required || !(error instanceof TraceError)) throw error;
    attached.refused.push(`${probe.function}: ${error.message}`);
  }
}
