/** Rulesets made by hand: short ways to write chains, rules, terms and packets. */
import type { Asked } from '../../src/explain/evaluate.ts';
import type { HookName } from '../../src/model/codes.ts';
import type {
  Action,
  Chain,
  Field,
  Interval,
  Rule,
  Ruleset,
  Term,
} from '../../src/model/ruleset.ts';

/** `is('dst_port', '80')`, `is('src', '10.0.0.0-10.0.0.255')`: one of the values. */
export function is(field: Field, ...values: string[]): Term {
  return { fields: [field], any: values.map((value) => [interval(value)]) };
}

export function isNot(field: Field, ...values: string[]): Term {
  return { ...is(field, ...values), not: true } as Term;
}

export function marked(value: number, mask: number, not?: true): Term {
  const any = [[[String(value), String(value)] as const]];
  return { fields: ['mark'], any, mask, ...(not ? { not } : {}) };
}

export const RANDOM: Term = { unknown: 'random probability 0.5' };
export const ACCEPT: Action = { does: 'accept' };
export const DROP: Action = { does: 'drop' };
export const RETURN: Action = { does: 'return' };

export function interval(value: string): Interval {
  const [first, last] = value.split('-') as [string, string?];
  return [first, last ?? first];
}

/** `to('10.0.2.5:9999')`, `to(':9999')`, `to('10.0.2.5-10.0.2.9')`. */
export function dnat(target: string): Action & { does: 'nat' } {
  return { does: 'nat', kind: 'dnat', manip: 'dst', ...placeOf(target) };
}

export function snat(target: string): Action & { does: 'nat' } {
  return { does: 'nat', kind: 'snat', manip: 'src', ...placeOf(target) };
}

export function masquerade(): Action & { does: 'nat' } {
  return { does: 'nat', kind: 'masquerade', manip: 'src', addresses: null, ports: null };
}

export function redirect(port: string): Action & { does: 'nat' } {
  return { does: 'nat', kind: 'redirect', manip: 'dst', addresses: null, ports: [interval(port)] };
}

export function placeOf(target: string) {
  const [, address = '', port] = /^(\[.*\]|[^:]*)(?::(.*))?$/.exec(target)!;
  const plain = address.replace(/^\[|\]$/g, '');
  return {
    addresses: plain === '' ? null : [interval(plain)],
    ports: port === undefined ? null : [interval(port)],
  };
}

export function jump(chain: string): Action {
  return { does: 'jump', chain };
}

export function goTo(chain: string): Action {
  return { does: 'goto', chain };
}

export function setMark(value: number, mask: number): Action {
  return { does: 'mark', value, mask };
}

/** Terms and actions in any order; handles are given by `chain`. */
export function rule(...parts: readonly (Term | Action)[]): Rule {
  const terms = parts.filter((part): part is Term => !('does' in part));
  const actions = parts.filter((part): part is Action => 'does' in part);
  return { handle: 0, number: 0, text: JSON.stringify(parts), terms, actions };
}

let handles = 0;

export function chain(name: string, rules: readonly Rule[], rest: Partial<Chain> = {}): Chain {
  const numbered = rules.map((one, index) => ({ ...one, handle: ++handles, number: index + 1 }));
  const place = { backend: 'nft', family: 'ip', table: 'nat', tableHandle: 3 } as const;
  return { ...place, name, rules: numbered, ...rest };
}

export function base(
  hook: HookName,
  rules: readonly Rule[],
  rest: Partial<Chain> & { priority?: number; policy?: 'accept' | 'drop' } = {},
): Chain {
  const { priority = -100, policy = 'accept', ...more } = rest;
  return chain(hook, rules, { base: { type: 'nat', hook, priority, policy }, ...more });
}

export function ruleset(...chains: readonly Chain[]): Ruleset {
  return { netns: 4001, readAtNs: '77000', chains, notes: [] };
}

export function asked(changes: Partial<Asked> = {}): Asked {
  return {
    hook: 'prerouting',
    family: 4,
    protocol: 6,
    src: '10.0.1.2',
    dst: '10.0.1.1',
    srcPort: 5001,
    dstPort: 2222,
    in: 'eth0',
    out: 'eth1',
    mark: 0,
    state: 'new',
    ...changes,
  };
}
