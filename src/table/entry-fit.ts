/** Options that others have no use for: refused, as conntrack(8) does, for they would be passed over. */
import { hasPorts, protocolName } from '../model/codes.ts';
import { TraceError } from '../model/error.ts';
import {
  ENTRY_OPTIONS,
  type EntryKey,
  type EntryOption,
  type EntryWords,
} from './entry-options.ts';
import { protocolOf } from './entry-values.ts';

interface Kind {
  readonly has: (protocol: number) => boolean;
  readonly keys: readonly EntryKey[];
}

/** What only some protocols have. */
const KINDS: readonly Kind[] = [
  { has: hasPorts, keys: ['sport', 'dport', 'replySport', 'replyDport'] },
  { has: (protocol) => [1, 58].includes(protocol), keys: ['icmpType', 'icmpCode', 'icmpId'] },
  {
    has: (protocol) => protocol === 47,
    keys: ['srckey', 'dstkey', 'replySrckey', 'replyDstkey'],
  },
  { has: (protocol) => [6, 33, 132].includes(protocol), keys: ['state'] },
  { has: (protocol) => protocol === 132, keys: ['origVtag', 'replyVtag'] },
  { has: (protocol) => protocol === 33, keys: ['role'] },
];

const MASKS = [
  ['maskSrc', 'origSrc'],
  ['maskDst', 'origDst'],
] as const;

/** Throws for a mask of no address: nothing would be compared. */
export function refuseMasksAlone(given: EntryWords): void {
  for (const [mask, address] of MASKS) {
    if (given[mask] === undefined || given[address] !== undefined) continue;
    const found = `found ${flagOf(mask)} without ${flagOf(address)}, needed both`;
    throw new TraceError('usage', found, {
      hint: `for example ${flagOf(address)} 10.0.0.0 ${flagOf(mask)} 255.0.0.0`,
    });
  }
}

/** Throws for an option that the protocol does not have. */
export function refuseUnfit(given: EntryWords): void {
  if (given.protonum === undefined) return;
  const protocol = protocolOf(given.protonum);
  const unfit = KINDS.filter(({ has }) => !has(protocol)).flatMap(({ keys }) => keys);
  const found = unfit.find((key) => given[key] !== undefined);
  if (found === undefined) return;
  const fit = KINDS.filter(({ has }) => has(protocol)).flatMap(({ keys }) => keys.map(flagOf));
  const needed = fit.length === 0 ? 'addresses alone' : fit.join(', ');
  throw new TraceError(
    'usage',
    `found ${flagOf(found)} with ${protocolName(protocol)}, needed what it has: ${needed}`,
  );
}

function flagOf(key: EntryKey): string {
  const option = (ENTRY_OPTIONS as readonly EntryOption[]).find((one) => one.key === key);
  return `--${option?.long[0] ?? key}`;
}
