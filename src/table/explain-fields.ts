/** Every field of an entry, and what it means. */
import { endText } from '../model/address.ts';
import { hasPorts, protocolName } from '../model/codes.ts';
import type { EntryTuple } from '../model/entry.ts';
import type { Fact } from './explain-shapes.ts';
import { CLOSING_STATES, stateWords } from './explain-state.ts';
import { timeoutText } from './explain-timeout.ts';
import type { EntryRecord } from './parse-entry.ts';

const GRE = 47;
const CHANGES = {
  new: 'an event: the entry was made',
  update: 'an event: the entry changed, its state or a flag',
  destroy: 'an event: the entry was deleted',
} as const;

export function entryFacts(record: EntryRecord): Fact[] {
  const { entry, change, at, state } = record;
  const { protocol, timeoutS } = entry;
  return [
    fact(change === null ? null : `[${change.toUpperCase()}]`, '', CHANGES[change ?? 'new']),
    fact('at', at, 'when it was printed, by the clock of that machine'),
    fact('family', `IPv${entry.family}`, ''),
    fact('protocol', `${protocolName(protocol)} (${protocol})`, protocolText(record)),
    fact('timeout', timeoutS === null ? null : `${timeoutS} s`, timeoutText(record)),
    fact('state', state, stateText(protocol, state)),
    ...directionFacts(record),
    ...flagFacts(record),
    ...markFacts(record),
    ...keptFacts(record),
    ...record.more.map((word) => ({
      ...{ name: 'unknown', value: word },
      meaning: 'no version of conntrack that is known here writes this',
    })),
  ].flatMap((one) => one ?? []);
}

function fact(name: string | null, value: string | number | null, meaning: string): Fact | null {
  return name === null || value === null ? null : { name, value: String(value), meaning };
}

function protocolText({ entry, form, hasNumbers }: EntryRecord): string {
  const { protocol } = entry;
  const isNumbered = hasPorts(protocol) || [1, 58, GRE].includes(protocol);
  if (isNumbered && hasNumbers) return '';
  if (isNumbered && form === 'save') return 'which ports is not said';
  if (isNumbered && form === 'xml') return '';
  return 'conntrack knows addresses only of this protocol: all between two hosts is one flow';
}

function stateText(protocol: number, state: string | null): string {
  if (state === null) return '';
  return stateWords(protocol, state)?.meaning ?? 'no state that this protocol is known to have';
}

/** `10.0.0.10:5536 > 10.8.2.12:80`; of ICMP type, code and identifier behind it, of GRE the keys. */
export function tupleText(protocol: number, tuple: EntryTuple): string {
  const { src, dst, srcPort, dstPort } = tuple;
  const isPorted = hasPorts(protocol);
  const ends = `${endText(src, srcPort, isPorted)} > ${endText(dst, dstPort, isPorted)}`;
  if (protocol === GRE) return `${ends}, keys ${srcPort} and ${dstPort}`;
  if (protocol !== 1 && protocol !== 58) return ends;
  return `${ends}, type ${dstPort >> 8} code ${dstPort & 255} id ${srcPort}`;
}

function directionFacts({ entry, change, form, hasNumbers }: EntryRecord): (Fact | null)[] {
  const { protocol, original, reply, packets, bytes } = entry;
  const known = hasNumbers ? protocol : -1;
  const isLess = !hasNumbers && form === 'xml';
  const less = isLess ? '; XML leaves out type, code and identifier' : '';
  const must = change === 'destroy' ? 'had to' : 'must';
  const count = (side: 0 | 1): string | null =>
    packets === null || bytes === null ? null : `${packets[side]} packets, ${bytes[side]} bytes`;
  return [
    fact(
      'original',
      tupleText(known, original),
      `what the first packet looked like, before NAT${less}`,
    ),
    fact('counted', count(0), 'in original direction (nf_conntrack_acct), headers of IP included'),
    fact('reply', tupleText(known, reply), `what a reply ${must} look like when it arrives`),
    fact('counted', count(1), 'in reply direction'),
  ];
}

function flagFacts(record: EntryRecord): (Fact | null)[] {
  const { entry, change, state, isReplied, isAssured, offload } = record;
  if (change === 'destroy') return goneFacts(record);
  const isClosing = entry.protocol === 6 && CLOSING_STATES.has(state ?? '');
  const assured = isClosing
    ? 'traffic went both ways; as it is closing, a table nearly full may let it go'
    : 'traffic went both ways: a full table evicts others first';
  const offloaded = 'of a flowtable: it has no timeout and no state of its own as long';
  return [
    fact(
      isReplied ? null : '[UNREPLIED]',
      '',
      'no packet in reply direction was seen: a full table evicts such entries first',
    ),
    fact(isAssured === true ? '[ASSURED]' : null, '', assured),
    fact(isAssured === false && isReplied ? 'not assured' : null, '', 'a full table may evict it'),
    fact(offload === 'software' ? '[OFFLOAD]' : null, '', offloaded),
    fact(
      offload === 'hardware' ? '[HW_OFFLOAD]' : null,
      '',
      `${offloaded}; the network card forwards it`,
    ),
    fact(
      entry.isExpected === true ? 'EXPECTED' : null,
      '',
      'a helper expected this flow: it belongs to another',
    ),
  ];
}

/** Of an entry that is deleted nothing can be evicted any more. */
function goneFacts({ isReplied, isAssured }: EntryRecord): (Fact | null)[] {
  return [
    fact(isReplied ? null : '[UNREPLIED]', '', 'no packet in reply direction was ever seen'),
    fact(isAssured === true ? '[ASSURED]' : null, '', 'traffic went both ways'),
  ];
}

function markFacts({ entry, secmark, secctx, labels }: EntryRecord): (Fact | null)[] {
  const [original, reply] = entry.zones;
  const zone =
    original === reply
      ? 'only packets that a rule puts into this zone are looked up here'
      : 'each direction is looked up in its own zone';
  const zones = original === reply ? `${original}` : `${original} for original, ${reply} for reply`;
  const isZoned = original !== 0 || reply !== 0;
  const mark = `${entry.mark} (0x${entry.mark.toString(16)})`;
  return [
    fact(
      'mark',
      entry.mark === 0 ? null : mark,
      'set by rules (ct mark, CONNMARK), kept for all packets of the flow',
    ),
    fact('zone', isZoned ? zones : null, zone),
    fact(
      'labels',
      labels?.join(', ') || null,
      'bits set by rules (ct label), by their names in connlabel.conf',
    ),
    fact('secmark', secmark, 'label of a security module'),
    fact('secctx', secctx, 'label of a security module'),
  ];
}

function keptFacts(record: EntryRecord): (Fact | null)[] {
  const { entry, helper, use, id, startedAt, stoppedAt, portid } = record;
  const helped = 'reads its payload to expect further flows, and to rewrite addresses in it';
  const age = entry.ageS === null ? null : `${entry.ageS} s`;
  return [
    fact('helper', helper, helped),
    fact('age', age, 'since the entry was made (nf_conntrack_timestamp)'),
    fact('started', startedAt, timeText(record)),
    fact('stopped', stoppedAt, timeText(record)),
    fact('use', use, 'references to it in the kernel, the one of the table included'),
    fact('id', id, 'a number of the kernel for it, the same as long as it lives'),
    fact('portid', portid, 'netlink port of the program that did it, often its process id'),
  ];
}

function timeText({ form }: EntryRecord): string {
  const isWide = form === 'xml' || form === 'json';
  return isWide ? 'nanoseconds since 1970' : 'by the clock of that machine';
}
