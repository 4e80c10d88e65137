/** Rows of intervals against a packet: the inside of terms and of maps. */
import { addressValue } from '../model/address.ts';
import type { Field, Interval } from '../model/ruleset.ts';
import type { Asked, Mark, Seen, Truth } from './asked.ts';

export type Test = (seen: Seen) => Truth;

type Row = readonly Interval[];

/** All of them must hold. */
export function allOf(truths: readonly Test[], seen: Seen): Truth {
  let all: Truth = 'yes';
  for (const test of truths) {
    const truth = test(seen);
    if (truth === 'no') return 'no';
    if (truth === 'maybe') all = 'maybe';
  }
  return all;
}

/** Does a row hold? One interval per field, in their order. */
export function rowTest(fields: readonly Field[], row: Row, mask?: number): Test {
  const tests = fields.map((field, index) => fieldTest(field, row[index]!, mask));
  return tests.length === 1 ? tests[0]! : (seen) => allOf(tests, seen);
}

/**
 * The text by which an interval of one value can be looked up; undefined where
 * it must be compared: ranges, patterns, marks, types of address.
 */
export function exactText(field: Field, [first, last]: Interval): string | undefined {
  if (first !== last) return undefined;
  switch (field) {
    case 'mark':
    case 'ct_mark':
    case 'dst_type':
    case 'src_type':
      return undefined;
    case 'in':
    case 'out':
      return first.endsWith('*') ? undefined : first;
    default:
      return first;
  }
}

function fieldTest(field: Field, interval: Interval, mask?: number): Test {
  switch (field) {
    case 'src':
    case 'dst':
      return addressTest(field, interval);
    case 'src_port':
    case 'dst_port':
      return portTest(field, interval);
    case 'family':
    case 'protocol':
      return numberTest(interval, (seen) => seen.asked[field]);
    case 'in':
    case 'out':
      return nameTest(interval, (seen) => seen[field]);
    case 'mark':
      return markTest(interval, (seen) => seen.mark, mask);
    case 'ct_mark':
      return markTest(interval, (seen) => seen.ctMark, mask);
    case 'state':
      return nameTest(interval, (seen) => seen.asked.state);
    case 'src_type':
      return (seen) => typeTruth(seen.asked, 'src', interval[0]);
    case 'dst_type':
      return (seen) => typeTruth(seen.asked, 'dst', interval[0]);
  }
}

function truthOf(holds: boolean): Truth {
  return holds ? 'yes' : 'no';
}

function addressTest(field: 'src' | 'dst', [first, last]: Interval): Test {
  const low = addressValue(first);
  const high = addressValue(last);
  if (low === undefined || high === undefined) return () => 'maybe';
  return (seen) => {
    const value = seen[field];
    if (value === undefined) return 'maybe';
    return truthOf(typeof value === typeof low && value >= low && value <= high);
  };
}

function numberTest([first, last]: Interval, read: (seen: Seen) => number): Test {
  const low = Number(first);
  const high = Number(last);
  if (Number.isNaN(low) || Number.isNaN(high)) return () => 'maybe';
  return (seen) => truthOf(read(seen) >= low && read(seen) <= high);
}

/** Of a protocol without ports a rule would read other bytes as ports. */
function portTest(field: 'src_port' | 'dst_port', interval: Interval): Test {
  const key = field === 'src_port' ? 'srcPort' : 'dstPort';
  const test = numberTest(interval, (seen) => seen.asked[key]);
  return (seen) => (seen.hasPorts ? test(seen) : 'maybe');
}

function nameTest([name]: Interval, read: (seen: Seen) => string | undefined): Test {
  const prefix = name.endsWith('*') ? name.slice(0, -1) : undefined;
  return (seen) => {
    const value = read(seen);
    if (value === undefined) return 'maybe';
    return truthOf(prefix === undefined ? value === name : value.startsWith(prefix));
  };
}

function markTest([first, last]: Interval, read: (seen: Seen) => Mark, mask = 0xffffffff): Test {
  const low = Number(first);
  const high = Number(last);
  return (seen) => {
    const { value, known } = read(seen);
    const found = (value & mask) >>> 0;
    if ((mask & ~known) === 0) return truthOf(found >= low && found <= high);
    return low === high && ((value ^ low) & mask & known) !== 0 ? 'no' : 'maybe';
  };
}

const MULTICAST = /^(22[4-9]|23\d)\.|^ff[0-9a-f]{2}:/i;

export function typeTruth(asked: Asked, field: 'src' | 'dst', type: string): Truth {
  const address = asked[field];
  if (address === '255.255.255.255') return truthOf(type === 'broadcast');
  if (MULTICAST.test(address)) return truthOf(type === 'multicast');
  const isLoopback = address.startsWith('127.') || address === '::1';
  const isLocal = asked.isLocal?.(address) ?? (isLoopback ? true : undefined);
  if (type === 'local') return isLocal === undefined ? 'maybe' : truthOf(isLocal);
  return type === 'multicast' || isLocal === true ? 'no' : 'maybe';
}
