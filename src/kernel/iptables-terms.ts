/** Matches of iptables(8) and iptables-extensions(8) as terms. */
import type { Field, Interval, Term } from '../model/ruleset.ts';
import { rangeInterval } from './address-range.ts';
import type { Option } from './iptables-options.ts';
import { protocolNumber } from './protocol-numbers.ts';

const ALL_PORTS: Interval = ['0', '65535'];
const PORT_MATCHES = new Set(['tcp', 'udp', 'sctp', 'dccp', 'udplite', 'multiport']);
const STATES = ['invalid', 'established', 'new', 'related', 'untracked'];

/** Undefined: what the option says cannot be told from a trace. */
type Reader = (option: Option) => Term | undefined;

/** By option, those of a match with its name before it. */
const READERS: Readonly<Record<string, Reader>> = {
  '-s': (option) => oneOf('src', option, [rangeInterval(option.values[0] ?? '')]),
  '-d': (option) => oneOf('dst', option, [rangeInterval(option.values[0] ?? '')]),
  '-p': (option) => oneOf('protocol', option, [single(protocolNumber(option.values[0] ?? ''))]),
  '-i': (option) => oneOf('in', option, [interfaceName(option)]),
  '-o': (option) => oneOf('out', option, [interfaceName(option)]),
  'iprange --src-range': (option) => oneOf('src', option, [rangeInterval(option.values[0] ?? '')]),
  'iprange --dst-range': (option) => oneOf('dst', option, [rangeInterval(option.values[0] ?? '')]),
  'mark --mark': (option) => markTerm('mark', option),
  'connmark --mark': (option) => markTerm('ct_mark', option),
  'conntrack --ctstate': stateTerm,
  'state --state': stateTerm,
  'addrtype --src-type': (option) => typeTerm('src_type', option),
  'addrtype --dst-type': (option) => typeTerm('dst_type', option),
};

/** Of a rule, in its order. */
export function termsOf(options: readonly Option[]): Term[] {
  return matchesOf(options).flatMap(matchTerms);
}

/** Options that must be read together: all of one `-m`, or one of iptables itself. */
function matchesOf(options: readonly Option[]): Option[][] {
  const matches: Option[][] = [];
  for (const option of options) {
    const isNew = option.name === '-m' || option.match === '';
    if (isNew || matches.length === 0) matches.push([option]);
    else matches.at(-1)!.push(option);
  }
  return matches;
}

/** What of it is not told is one term, in the words of the rule. */
function matchTerms(match: readonly Option[]): Term[] {
  const [head] = match;
  if (head === undefined || head.match === 'comment') return [];
  const options = match.filter(({ name }) => name !== '-m');
  const terms = options.map((option) => readerOf(option)?.(option));
  const unread = options.filter((_, index) => terms[index] === undefined);
  // Options of addrtype change each other's meaning: --limit-iface-in.
  const isWhole = head.match === 'addrtype' && unread.length > 0;
  const read = isWhole ? [] : terms.flatMap((term) => (term === undefined ? [] : [term]));
  const isSaid = unread.length === 0 && (options.length > 0 || PORT_MATCHES.has(head.match));
  if (isSaid) return read;
  const rest = isWhole ? options : unread;
  const text = [...(head.name === '-m' ? [head] : []), ...rest].map((option) => option.text);
  return [...read, { unknown: text.join(' ') }];
}

function readerOf({ match, name }: Option): Reader | undefined {
  if (PORT_MATCHES.has(match) && /^--(source-|destination-|[sd])?ports?$/.test(name)) {
    return portTerm;
  }
  return READERS[match === '' ? name : `${match} ${name}`];
}

function oneOf(
  field: Field,
  { isNegated }: Option,
  intervals: readonly (Interval | undefined)[],
): Term | undefined {
  const any = intervals.flatMap((interval) => (interval === undefined ? [] : [[interval]]));
  if (any.length < intervals.length || any.length === 0) return undefined;
  return { fields: [field], any, ...(isNegated ? { not: true } : {}) };
}

function single(value: string | undefined): Interval | undefined {
  return value === undefined ? undefined : [value, value];
}

/** A trailing + stands for any ending. */
function interfaceName({ values: [name = ''] }: Option): Interval | undefined {
  return name.includes('*') ? undefined : single(name.replace(/\+$/, '*'));
}

/** `80`, `80:90`, `:90`, `80:`; of multiport several, with commas. */
function portTerm(option: Option): Term | undefined {
  const intervals = (option.values[0] ?? '').split(',').map(portInterval);
  if (option.name !== '--ports' && option.name !== '--port') {
    return oneOf(option.name.startsWith('--s') ? 'src_port' : 'dst_port', option, intervals);
  }
  const known = intervals.flatMap((interval) => (interval === undefined ? [] : [interval]));
  if (known.length < intervals.length) return undefined;
  return {
    fields: ['src_port', 'dst_port'],
    any: known.flatMap((ports) => [
      [ports, ALL_PORTS],
      [ALL_PORTS, ports],
    ]),
    ...(option.isNegated ? { not: true } : {}),
  };
}

function portInterval(text: string): Interval | undefined {
  const [, first, colon, last] = /^(\d*)(:?)(\d*)$/.exec(text) ?? [];
  if (first === undefined || (first === '' && colon === '')) return undefined;
  if (colon === '') return [first, first];
  return [first === '' ? '0' : first, last === undefined || last === '' ? '65535' : last];
}

/** `0x4000/0x4000`: value and mask; without a mask all bits count. */
function markTerm(field: 'mark' | 'ct_mark', option: Option): Term | undefined {
  const [value = Number.NaN, mask = 0xffffffff] = (option.values[0] ?? '').split('/').map(Number);
  if (Number.isNaN(value) || Number.isNaN(mask)) return undefined;
  const term = oneOf(field, option, [single(String(value))]);
  if (term === undefined || mask === 0xffffffff || 'unknown' in term) return term;
  return { ...term, mask };
}

/** SNAT and DNAT among the states are bits of the entry's status: not told here. */
function stateTerm(option: Option): Term | undefined {
  const states = (option.values[0] ?? '').toLowerCase().split(',');
  return oneOf(
    'state',
    option,
    states.map((state) => (STATES.includes(state) ? [state, state] : undefined)),
  );
}

/** By the routing table alone: with --limit-iface-* it is another question. */
function typeTerm(field: 'src_type' | 'dst_type', option: Option): Term | undefined {
  const types = (option.values[0] ?? '').toLowerCase().split(',');
  return oneOf(field, option, types.map(single));
}
