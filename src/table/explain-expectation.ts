/** An expectation explained. */
import { endText } from '../model/address.ts';
import { hasPorts, protocolName } from '../model/codes.ts';
import { type Explanation, type Fact, NOTHING } from './explain-shapes.ts';
import type { ExpectationRecord, ExpectedTuple } from './parse-expectation.ts';

const FLAGS: Readonly<Record<string, string>> = {
  PERMANENT: 'it stays when a flow has fulfilled it; each that fits may',
  INACTIVE: 'it waits for the signalling to agree, packets do not fulfil it yet',
  USERSPACE: 'a program made it (conntrack -I expect, conntrackd)',
};
const CHANGES = { new: 'made', update: 'changed', destroy: 'deleted or fulfilled' } as const;

export function explainExpectation(record: ExpectationRecord): Explanation {
  const { change, protocol, expected, helper } = record;
  const happened = change === null ? '' : `, ${CHANGES[change]}`;
  const who = helper === null ? 'a helper' : `the helper ${helper}`;
  return {
    ...NOTHING,
    title: `${who} expects ${protocolName(protocol)} ${tupleText(protocol, expected)}${happened}`,
    facts: factsOf(record),
    next:
      change === 'destroy'
        ? []
        : [
            'the first packet that fits is ct state related, and its entry belongs to the master; where the master is rewritten by NAT, the helper decides how, and the nat chains are not run',
            'an expectation is used once, unless it is PERMANENT; after its timeout such a packet is new like all others',
          ],
    advice: ['conntrack -L expect lists those that are open; nf_conntrack_expect_max bounds them'],
  };
}

function factsOf(record: ExpectationRecord): Fact[] {
  const { at, protocol, expected, mask, master, timeoutS, zone, helper, flags } = record;
  const fact = (name: string, value: string | number | null, meaning: string): Fact[] =>
    value === null ? [] : [{ name, value: String(value), meaning }];
  const masked = mask === null ? null : `${mask.src} and ${mask.dst}`;
  return [
    ...fact('at', at, 'when it was printed, by the clock of that machine'),
    ...fact('timeout', timeoutS === null ? null : `${timeoutS} s`, 'the expectation ends then'),
    ...fact('protocol', `${protocolName(protocol)} (${protocol})`, ''),
    ...fact(
      'expected',
      tupleText(protocol, expected),
      'the flow to come; a port that may be any is *',
    ),
    ...fact('mask', masked, 'which bits of source and destination address must fit'),
    ...fact(
      'master',
      master === null ? null : tupleText(protocol, master),
      'the flow whose payload announced it',
    ),
    ...fact('zone', zone === 0 ? null : zone, 'conntrack zone of both'),
    ...fact('helper', helper, 'who reads the payload of the master'),
    ...flags.flatMap((flag) => fact(flag, '', FLAGS[flag] ?? '')),
  ];
}

function tupleText(protocol: number, { src, dst, srcPort, dstPort }: ExpectedTuple): string {
  const end = (address: string, port: number | null): string => {
    if (!hasPorts(protocol)) return address;
    if (port !== null) return endText(address, port, true);
    return address.includes(':') ? `[${address}]:*` : `${address}:*`;
  };
  return `${end(src, srcPort)} > ${end(dst, dstPort)}`;
}
