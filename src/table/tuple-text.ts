/** A flow in one line. */
import { endText } from '../model/address.ts';
import { hasPorts, protocolName } from '../model/codes.ts';
import type { Entry } from '../model/entry.ts';

/** By its original tuple: `tcp 10.0.0.2:5000 > 10.0.1.1:80`. */
export function entryText({ protocol, original }: Entry): string {
  const { src, dst, srcPort, dstPort } = original;
  const isPorted = hasPorts(protocol);
  const ends = `${endText(src, srcPort, isPorted)} > ${endText(dst, dstPort, isPorted)}`;
  return `${protocolName(protocol)} ${ends}`;
}
