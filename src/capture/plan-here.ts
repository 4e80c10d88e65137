/** The probe plan of the running kernel. */
import { kernelRelease } from '../kernel/release.ts';
import type { Symbols } from '../kernel/symbols.ts';
import type { Backend } from '../model/facts.ts';
import { type ProbePlan, planProbes } from './plan.ts';
import type { Asked } from './wish.ts';

export function planFor(symbols: Symbols, asked: Asked, backend: Backend): ProbePlan {
  const plan = planProbes((name) => symbols.has(name), kernelRelease(), asked, backend);
  return { ...plan, notAvailable: plan.notAvailable.map((line) => withVariants(line, symbols)) };
}

/** A function may be there in a form that cannot be probed: with other arguments, or in part. */
function withVariants(line: string, symbols: Symbols): string {
  const [, name = '', means = ''] = /^(\w+): (.*)$/s.exec(line) ?? [];
  const variants = name === '' ? [] : symbols.variants(name);
  if (variants.length === 0) return line;
  return `${name}: here only as ${variants.join(', ')}, which cannot be probed (else: ${means})`;
}
