/** By way of which chains a rule was come to, as `PREROUTING > KUBE-SERVICES > KUBE-SVC-A`. */
import type { Met, Outcome } from './evaluate.ts';
import type { RuleRow } from './rule-rows.ts';

/** Chains from the base chain to the rule's own; null: it is not met, or by several ways. */
export function jumpPath(
  { met }: Outcome,
  row: RuleRow,
  rowOf: (met: Pick<Met, 'rule'>) => RuleRow | undefined,
): readonly string[] | null {
  const [found, ...more] = met.filter((one) => rowOf(one) === row).map(({ path }) => path);
  if (found === undefined) return null;
  const isOther = (path: Met['path']): boolean =>
    path.length !== found.length || path.some((rule, place) => rule !== found[place]);
  if (more.some(isOther)) return null;
  return [...found.map((rule) => rowOf({ rule })?.chain ?? '?'), row.chain];
}
