/**
 * The part of pcap-filter(7) that can be asked of a flow: family, protocols,
 * addresses and ports, each a list of alternatives, all of which must hold.
 */
import { filterTerms } from '../wire/layout.ts';
import { type Prefix, prefixText, writePrefix } from './prefix.ts';

export interface Protocol {
  /** icmp and icmp6 say their family, as in pcap-filter(7). */
  readonly family?: 4 | 6;
  readonly number: number;
}

/** In host order, both ends included. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** An absent term asks for nothing. */
export interface FlowTerms {
  readonly family?: 4 | 6;
  readonly protocol?: readonly Protocol[];
  readonly host?: readonly Prefix[];
  readonly srcHost?: readonly Prefix[];
  readonly dstHost?: readonly Prefix[];
  readonly port?: readonly PortRange[];
  readonly srcPort?: readonly PortRange[];
  readonly dstPort?: readonly PortRange[];
}

/** A word that stands alone. */
export const NAMED: Readonly<Record<string, FlowTerms>> = {
  ip: { family: 4 },
  ip6: { family: 6 },
  tcp: { protocol: [{ number: 6 }] },
  udp: { protocol: [{ number: 17 }] },
  sctp: { protocol: [{ number: 132 }] },
  icmp: { protocol: [{ family: 4, number: 1 }] },
  icmp6: { protocol: [{ family: 6, number: 58 }] },
};

export const HOST_TERM = { '': 'host', src: 'srcHost', dst: 'dstHost' } as const;
export const PORT_TERM = { '': 'port', src: 'srcPort', dst: 'dstPort' } as const;
export const SIDES = ['', 'src', 'dst'] as const;

/** The canonical text; parsing it again gives the same terms. */
export function describeFlowTerms(terms: FlowTerms): string {
  const { family, protocol = [] } = terms;
  const hosts = SIDES.map((side) =>
    (terms[HOST_TERM[side]] ?? []).map((prefix) => `${side} ${prefixText(prefix)}`.trim()),
  );
  const ports = SIDES.map((side) =>
    (terms[PORT_TERM[side]] ?? []).map((range) => `${side} ${rangeText(range)}`.trim()),
  );
  const families = family === undefined ? [] : [family === 4 ? 'ip' : 'ip6'];
  return [families, protocol.map(protocolText), ...hosts, ...ports]
    .filter((group) => group.length > 0)
    .map((group) => (group.length === 1 ? group[0] : `(${group.join(' or ')})`))
    .join(' and ');
}

function protocolText(protocol: Protocol): string {
  const word = Object.entries(NAMED).find(
    ([, named]) =>
      named.protocol?.[0]?.number === protocol.number &&
      named.protocol[0].family === protocol.family,
  );
  return word?.[0] ?? `proto ${protocol.number}`;
}

function rangeText({ first, last }: PortRange): string {
  return first === last ? `port ${first}` : `portrange ${first}-${last}`;
}

const ENDS = 16;
const PROTOCOLS = 8;
const PREFIX_BYTES = 32; // struct filter_prefix

/** Whether `struct filter_terms` has room for them. */
export function fitFlowTerms(terms: FlowTerms): boolean {
  const lists = SIDES.flatMap((side) => [terms[HOST_TERM[side]], terms[PORT_TERM[side]]]);
  return (
    lists.every((list) => (list?.length ?? 0) <= ENDS) && (terms.protocol?.length ?? 0) <= PROTOCOLS
  );
}

/** Into the bytes of `struct filter_terms` of bpf/record.h. */
export function encodeFlowTerms(terms: FlowTerms, bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const protocols = terms.protocol ?? [];
  bytes[filterTerms.byFlow] = Object.keys(terms).length > 0 ? 1 : 0;
  bytes[filterTerms.family] = terms.family ?? 0;
  bytes[filterTerms.protocols] = protocols.length;
  protocols.forEach(({ family = 0, number }, index) => {
    view.setUint16(filterTerms.protocol + index * 2, (family << 8) | number, true);
  });
  for (const [prefixes, count, start] of [
    [terms.host, filterTerms.hosts, filterTerms.host],
    [terms.srcHost, filterTerms.srcHosts, filterTerms.srcHost],
    [terms.dstHost, filterTerms.dstHosts, filterTerms.dstHost],
  ] as const) {
    bytes[count] = prefixes?.length ?? 0;
    prefixes?.forEach((prefix, index) => {
      const at = start + index * PREFIX_BYTES;
      writePrefix(prefix, bytes, at, at + PREFIX_BYTES / 2);
    });
  }
  for (const [ranges, count, start] of [
    [terms.port, filterTerms.ports, filterTerms.port],
    [terms.srcPort, filterTerms.srcPorts, filterTerms.srcPort],
    [terms.dstPort, filterTerms.dstPorts, filterTerms.dstPort],
  ] as const) {
    bytes[count] = ranges?.length ?? 0;
    ranges?.forEach(({ first, last }, index) => {
      view.setUint16(start + index * 4, first, true);
      view.setUint16(start + index * 4 + 2, last, true);
    });
  }
}
