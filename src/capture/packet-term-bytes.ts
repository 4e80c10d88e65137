import { Hook } from '../model/codes.ts';
import { filterTerms } from '../wire/layout.ts';
import type { PacketTerms } from './packet-terms.ts';

/** Into the bytes of `struct filter_terms` of bpf/record.h. */
export function encodePacketTerms(terms: PacketTerms, bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const names = terms.interfaces.filter((found) => typeof found === 'string');
  const indexes = terms.interfaces.filter((found) => typeof found === 'number');
  const words = (values: readonly number[], at: number, count: number) => {
    bytes[count] = values.length;
    values.forEach((value, index) => {
      view.setUint32(at + index * 4, value, true);
    });
  };
  words(terms.netns, filterTerms.netns, filterTerms.namespaces);
  words(indexes, filterTerms.ifindex, filterTerms.ifindexes);
  bytes[filterTerms.interfaces] = names.length;
  names.forEach((name, index) => {
    new TextEncoder().encodeInto(name, bytes.subarray(filterTerms.interface + index * 16));
  });
  bytes[filterTerms.zones] = terms.zones.length;
  terms.zones.forEach((zone, index) => {
    view.setUint16(filterTerms.zone + index * 2, zone, true);
  });
  view.setUint32(filterTerms.mark, terms.mark, true);
  view.setUint32(filterTerms.markMask, terms.markMask, true);
  view.setUint16(filterTerms.ctinfos, terms.ctinfos, true);
  bytes[filterTerms.newOnly] = terms.newOnly ? 1 : 0;
  bytes[filterTerms.hooks] = terms.hooks.reduce((mask, hook) => mask | (1 << Hook[hook]), 0);
  const isAsked =
    terms.netns.length > 0 ||
    terms.interfaces.length > 0 ||
    terms.zones.length > 0 ||
    terms.markMask !== 0 ||
    terms.ctinfos !== 0;
  bytes[filterTerms.byPacket] = isAsked ? 1 : 0;
}
