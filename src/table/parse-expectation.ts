/**
 * Expectations: `conntrack -L expect` (src/expect/snprintf_default.c and
 * snprintf_xml.c of libnetfilter_conntrack) and /proc/net/nf_conntrack_expect
 * (exp_seq_show in nf_conntrack_expect.c), which has no masks and no master.
 */
import { addressValue, canonicalAddress } from '../model/address.ts';
import { TraceError } from '../model/error.ts';
import { number } from './parse-entry.ts';
import { CHANGES, type Change } from './parse-fields.ts';
import { type Row, secondsOf, textOf } from './parse-json.ts';
import { lineStart } from './parse-line.ts';
import { pairOf, shown } from './parse-tokens.ts';
import type { XmlFlow } from './parse-xml.ts';

/** One end of a flow to come; a port that the mask leaves open is null. */
export interface ExpectedTuple {
  readonly src: string;
  readonly dst: string;
  readonly srcPort: number | null;
  readonly dstPort: number | null;
}

/** What a helper expects. What a form does not tell is null. */
export interface ExpectationRecord {
  readonly kind: 'expectation';
  readonly change: Change | null;
  readonly at: string | null;
  readonly protocol: number;
  readonly expected: ExpectedTuple;
  readonly mask: ExpectedTuple | null;
  /** Original tuple of the entry whose helper expects it. */
  readonly master: ExpectedTuple | null;
  readonly timeoutS: number | null;
  readonly zone: number;
  readonly helper: string | null;
  /** PERMANENT, INACTIVE, USERSPACE. */
  readonly flags: readonly string[];
}

const FLAGS = ['PERMANENT', 'INACTIVE', 'USERSPACE'];
/** What GRE has for ports. */
const KEYS: Readonly<Record<string, string>> = { sport: 'srckey', dport: 'dstkey' };
type Fields = ReadonlyMap<string, string>;

/** Undefined: no expectation. Throws a `corrupt` TraceError for one that cannot be read. */
export function expectationOf(tokens: readonly string[]): ExpectationRecord | undefined {
  const { at, change, next } = lineStart(tokens);
  const rest = tokens.slice(next);
  const protocol = rest.find((token) => token.startsWith('proto='));
  const isOne = /^(\d+|-|proto=\d+)$/.test(rest[0] ?? '') && protocol !== undefined;
  if (!isOne) return undefined;
  const tuples: Map<string, string>[] = [];
  const others = new Map<string, string>();
  const loose: string[] = [];
  for (const token of rest) {
    const [name, value] = pairOf(token) ?? [];
    if (name === undefined) loose.push(token);
    else if (/^(master-|mask-)?src$/.test(name)) tuples.push(new Map([['src', value!]]));
    else if (/^(master-|mask-)?dst$/.test(name)) tuples.at(-1)?.set('dst', value!);
    else if (/^(sport|dport|srckey|dstkey|type|code|id)$/.test(name))
      tuples.at(-1)?.set(name, value!);
    else others.set(name, value!);
  }
  const words = loose.filter((word) => /^[a-z]/i.test(word) && word !== 'l3proto');
  const flags = words.flatMap((word) => word.split(',')).filter((word) => FLAGS.includes(word));
  const helper = others.get('helper') ?? words.find((word) => !FLAGS.includes(word.split(',')[0]!));
  const timeout = /^\d+$/.test(rest[0]!) ? rest[0] : undefined;
  return recordOf({
    at,
    change,
    tuples,
    others,
    flags,
    helper,
    timeout,
    protocol: others.get('proto')!,
  });
}

/** Of XML. */
export function flowExpectation({ attributes, texts }: XmlFlow): ExpectationRecord {
  const tuples = ['expected', 'mask', 'master'].map((part) => {
    const side = new Map<string, string>();
    for (const [path, text] of texts) {
      const [, name] = new RegExp(`^flow/layer[34]/${part}/(\\w+)$`).exec(path) ?? [];
      if (name !== undefined) side.set(name, text);
    }
    return side;
  });
  const change = (attributes.get('flow@type') ?? null) as Change | null;
  return recordOf({
    ...{ at: null, change, tuples },
    others: new Map([...texts].map(([path, text]) => [path.replace('flow/meta/', ''), text])),
    flags: FLAGS.filter((flag) => texts.has(`flow/meta/${flag.toLowerCase()}`)),
    helper: texts.get('flow/meta/helper-name'),
    timeout: texts.get('flow/meta/timeout'),
    protocol: attributes.get('flow/layer4@protonum') ?? '',
  });
}

/** Of a row of the table `expectations`. */
export function rowExpectation(row: Row): ExpectationRecord {
  const tuples = ['', 'mask_', 'master_'].map((prefix) => {
    const side = new Map<string, string>();
    for (const [name, column] of Object.entries(COLUMNS)) {
      const text = textOf(row[`${prefix}${column}`]);
      if (text !== undefined) side.set(name, text);
    }
    return side;
  });
  const zone = textOf(row.zone);
  return recordOf({
    at: secondsOf(textOf(row.read_at)),
    change: CHANGES.find((one) => one === row.news) ?? null,
    tuples,
    others: new Map(zone === undefined ? [] : [['zone', zone]]),
    flags: FLAGS.filter((flag) => row[flag.toLowerCase()] === true),
    helper: textOf(row.helper),
    timeout: textOf(row.timeout_s),
    protocol: textOf(row.protocol) ?? '',
  });
}

const COLUMNS = { src: 'src', dst: 'dst', sport: 'src_port', dport: 'dst_port' } as const;

interface Parts {
  readonly at: string | null;
  readonly change: Change | null;
  /** Expected, mask, master. */
  readonly tuples: readonly Fields[];
  readonly others: Fields;
  readonly flags: readonly string[];
  readonly helper: string | undefined;
  readonly timeout: string | undefined;
  readonly protocol: string;
}

function recordOf(parts: Parts): ExpectationRecord {
  const { at, change, tuples, others, flags, helper, timeout } = parts;
  const [expected, mask = null, master = null] = tuples;
  if (expected === undefined) throw wrong('an expectation without src=');
  const maskTuple = mask === null ? null : tupleOf(mask, null);
  return {
    ...{ kind: 'expectation', change, at },
    protocol: number('proto', parts.protocol, 255),
    expected: tupleOf(expected, maskTuple, true),
    mask: maskTuple,
    master: master === null ? null : tupleOf(master, null),
    timeoutS: timeout === undefined ? null : number('timeout', timeout),
    zone: number('zone', others.get('zone') ?? '0', 0xffff),
    helper: helper ?? null,
    flags,
  };
}

/** `isExpected`: a port of 0 is any port, also where no mask says so. */
function tupleOf(side: Fields, mask: ExpectedTuple | null, isExpected = false): ExpectedTuple {
  const [src, dst] = ['src', 'dst'].map((name) => {
    const text = side.get(name) ?? '';
    if (addressValue(text) === undefined) throw wrong(`${name}=${shown(text)}`);
    return canonicalAddress(text);
  });
  const isOpen = (name: string): boolean => isExpected && side.get(name) === '0';
  const port = (name: string, open: boolean): number | null =>
    open ? null : number(name, side.get(name) ?? side.get(KEYS[name]!) ?? '0', 0xffff);
  return {
    ...{ src: src!, dst: dst! },
    srcPort: port('sport', mask?.srcPort === 0 || isOpen('sport')),
    dstPort: port('dport', mask?.dstPort === 0 || isOpen('dport')),
  };
}

function wrong(found: string): TraceError {
  return new TraceError('corrupt', `found ${found}, needed an expectation of conntrack -L expect`);
}
