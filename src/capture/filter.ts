/**
 * All that a trace is asked to leave out: from the words of the command line
 * to what the object is given before it is loaded, and a canonical text.
 */

import { compilePcap } from '../libbpf/index.ts';
import { TraceError } from '../model/error.ts';
import { filterTerms, filterTermsBytes } from '../wire/layout.ts';
import { decodeCbpf } from './cbpf.ts';
import { parseFlowTerms } from './flow-parser.ts';
import { describeFlowTerms, encodeFlowTerms } from './flow-terms.ts';
import { encodePacketTerms } from './packet-term-bytes.ts';
import { type PacketTermWords, parsePacketTerms } from './packet-terms.ts';
import { translate } from './translate.ts';

/** As written on the command line; an absent one asks for nothing. */
export interface FilterWords extends PacketTermWords {
  /** An expression of pcap-filter(7). */
  readonly filter?: string | undefined;
}

export interface Filter {
  /** Canonical, empty for none: an expression, then options. */
  readonly text: string;
  /** `struct filter_terms` of bpf/record.h. */
  readonly terms: Uint8Array;
  /** The body of pcap_program() of bpf/pcap.h; undefined where the terms say it all. */
  readonly program: Uint8Array | undefined;
}

/** Throws a usage error that says what was found and what is needed. */
export function readFilter(words: FilterWords): Filter {
  const expression = (words.filter ?? '').trim().replace(/\s+/g, ' ');
  const packet = parsePacketTerms(words);
  const flow = parseFlowTerms(expression);
  const program = flow === undefined ? translate(decodeCbpf(compilePcap(expression))) : undefined;
  const terms = new Uint8Array(filterTermsBytes);
  if (flow !== undefined) encodeFlowTerms(flow, terms);
  encodePacketTerms(packet, terms);
  if (program !== undefined) terms[filterTerms.pcap] = terms[filterTerms.byPacket] = 1;
  const said = flow === undefined ? expression : describeFlowTerms(flow);
  return { text: [said, packet.text].filter((part) => part !== '').join(' '), terms, program };
}

const PACKETS_ALONE = ['interface', 'mark', 'state', 'direction', 'newOnly', 'hook'] as const;

/**
 * The same for a trace without packets: namespaces and zones are those of the
 * entries; what only a packet has cannot be asked for.
 */
export function forFlowsAlone(filter: Filter, words: FilterWords): Filter {
  const given = PACKETS_ALONE.filter((name) => words[name] !== undefined);
  const names = given.map((name) => `--${name === 'newOnly' ? 'new-only' : name}`);
  if (filter.program !== undefined) names.unshift(`--filter '${words.filter}'`);
  if (names.length > 0) {
    throw new TraceError(
      'usage',
      `found --detail flows with ${names.join(', ')}, needed what a flow has: protocols, hosts, ports, --netns, --zone`,
      { hint: '--detail packets' },
    );
  }
  const terms = filter.terms.slice();
  terms[filterTerms.byPacket] = 0;
  return { ...filter, terms };
}
