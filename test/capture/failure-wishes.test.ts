/** Which probes of failures go where: those that every packet meets only when they are asked for. */
import { describe, expect, it } from 'vitest';
import { failureWishes } from '../../src/capture/failure-wishes.ts';
import { planProbes } from '../../src/capture/plan.ts';
import { parseRelease } from '../../src/kernel/release.ts';
import type { Backend } from '../../src/model/facts.ts';

const OFTEN = ['nf_conntrack_in', 'nf_conntrack_tuple_taken'];
const functionsOf = (refusals: boolean, has: (name: string) => boolean = () => true): string[] =>
  failureWishes(has, refusals).map((wish) => wish.function);

describe('probes of failures', () => {
  it('leave out what every packet and every search meets', () => {
    expect(functionsOf(false).filter((name) => OFTEN.includes(name))).toEqual([]);
    expect(functionsOf(true).filter((name) => OFTEN.includes(name))).toEqual(OFTEN);
  });

  it('need no search where nothing is translated', () => {
    const withoutNat = functionsOf(true, (name) => name !== 'nf_nat_setup_info');
    expect(withoutNat).toContain('nf_conntrack_in');
    expect(withoutNat).not.toContain('nf_conntrack_tuple_taken');
  });

  it('are worth having one by one: each says what is not told without it', () => {
    for (const { absent } of failureWishes(() => true, true)) expect(absent).toMatch(/not told$/);
  });

  it.each([
    ['fentry', 'fexit nf_conntrack_in', 'fentry early_drop fexit early_drop'],
    [
      'kprobe',
      'kprobe nf_conntrack_in kretprobe nf_conntrack_in',
      'kprobe early_drop kretprobe early_drop',
    ],
  ] as const)('go in by %s, and where arguments vary by kprobe', (backend, often, around) => {
    const { probes } = planProbes(
      () => true,
      parseRelease('6.1.0'),
      { detail: 'flows', refusals: true },
      backend as Backend,
    );
    const at = (name: string): string =>
      probes
        .filter((probe) => probe.function === name)
        .map((probe) => `${probe.kind} ${probe.function}`)
        .sort()
        .join(' ');
    expect(at('nf_conntrack_in')).toBe(often);
    expect(at('early_drop')).toBe(around);
    expect(at('nf_l4proto_log_invalid')).toBe('kprobe nf_l4proto_log_invalid');
  });
});
