/** The mapping that an entry holds. */
import { hasPorts } from '../model/codes.ts';
import type { Entry } from '../model/entry.ts';
import type { Manip } from '../model/ruleset.ts';

/** One end of a flow before and after the mapping; null: a protocol without a number there. */
export interface Stored {
  readonly manip: Manip;
  readonly before: { readonly address: string; readonly port: number | null };
  readonly after: { readonly address: string; readonly port: number | null };
  /** The kernel changes source ports by itself, where another flow has them: no mapping. */
  readonly isMapped: boolean;
}

/** The reply tuple says what the ends have become (nf_ct_invert_tuple). */
export function storedMapping(entry: Entry, manip: Manip): Stored {
  const { original, reply, protocol } = entry;
  const ports = hasPorts(protocol);
  if (manip === 'src') {
    const before = { address: original.src, port: ports ? original.srcPort : null };
    const after = { address: reply.dst, port: ports ? reply.dstPort : null };
    return { manip, before, after, isMapped: before.address !== after.address };
  }
  const before = { address: original.dst, port: ports ? original.dstPort : null };
  const after = { address: reply.src, port: ports ? reply.srcPort : null };
  const isMapped = before.address !== after.address || before.port !== after.port;
  return { manip, before, after, isMapped };
}
