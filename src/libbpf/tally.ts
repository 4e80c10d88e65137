/** Records counted by the shim: native/tally.h. */
import type { CountRecords, Tally } from '../wire/tally.ts';
import { addressOfView, CallMemory } from './address.ts';
import { shim } from './shim.ts';

const CALL_BYTES = 48;
const CPUS = 8;

/** What counts records into a tally's own arrays. */
export function tallyCount({ cpus, delivered, nextSeq, last }: Tally): CountRecords {
  const { wide, narrow, address } = new CallMemory(CALL_BYTES);
  wide.set([delivered, nextSeq, last].map(addressOfView), 1);
  narrow[CPUS] = cpus;
  return (words, from, to) => {
    wide[0] = addressOfView(words);
    narrow[CPUS + 1] = from;
    narrow[CPUS + 2] = to;
    return shim().tally_count(address);
  };
}
