/** A probe plan to programs in place. */
import type { BpfObject, Link } from '../libbpf/index.ts';
import { TraceError } from '../model/error.ts';
import type { Probe, ProbePlan } from './plan.ts';

export interface Attached {
  readonly links: Link[];
  readonly done: string[];
  readonly refused: string[];
}

export function chooseProbes(object: BpfObject, plan: ProbePlan): void {
  const wanted = new Set([...plan.probes.map((probe) => probe.program), ...plan.runs]);
  for (const program of object.programs) program.setAutoload(wanted.has(program.name));
}

/** A probe that is not required and is refused is no error: the facts of the trace name it. */
export function attachProbes(object: BpfObject, plan: ProbePlan): Attached {
  const attached: Attached = { links: [], done: [], refused: [] };
  try {
    for (const probe of plan.probes) attachOne(object, probe, attached);
  } catch (error) {
    for (const link of attached.links) link.destroy();
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
    attached.links.push(link);
    attached.done.push(`${probe.kind} ${probe.function}`);
  } catch (error) {
    if (probe.required || !(error instanceof TraceError)) throw error;
    attached.refused.push(`${probe.function}: ${error.message}`);
  }
}
