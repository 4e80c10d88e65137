/** The conntrack zone of an entry, and which direction's packets it is for. */
import { Flow } from './flow-columns.ts';

/**
 * `zone`: the id, and in its upper half a bit for each direction, original
 * first (struct nf_conntrack_zone.dir). Into a row of `flows`, where the word
 * of both directions comes first.
 */
export function writeZone(to: Int32Array, row: number, zone: number): void {
  to[row + Flow.zone] = zone & 0xffff;
  to[row + Flow.zoneDirection] = ((zone >>> 16) & 3) % 3;
}
