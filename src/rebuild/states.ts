/** conntrack's state of a packet, from how its record names it. */
import { State } from '../model/codes.ts';
import { Ctinfo } from '../wire/layout.ts';

export function stateOf(ctinfo: number, wasTracked: boolean): number {
  if (ctinfo === 0 || ctinfo === 3) return State.established;
  if (ctinfo === 2) return State.new;
  if (ctinfo === 1 || ctinfo === 4) return State.related;
  if (ctinfo === Ctinfo.untracked) return State.untracked;
  return wasTracked ? State.invalid : State.none;
}

/** The same as a table by ctinfo. */
export function statesOf(wasTracked: boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, ctinfo) => stateOf(ctinfo, wasTracked));
}
