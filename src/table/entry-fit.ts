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
  /** One that has it. */
  readonly example: string;
  readonly keys: readonly EntryKey[];
}

const isOf =
  (...protocols: readonly number[]) =>
  (protocol: number): boolean =>
    protocols.includes(protocol);

/** What only some protocols have. */
const KINDS: readonly Kind[] = [
  { has: hasPorts, example: 'udp', keys: ['sport', 'dport', 'replySport', 'replyDport'] },
  { has: isOf(1, 58), example: 'icmp', keys: ['icmpType', 'icmpCode', 'icmpId'] },
  { has: isOf(47), example: 'gre', keys: ['srckey', 'dstkey', 'replySrckey', 'replyDstkey'] },
  { has: isOf(6, 33, 132), example: 'tcp', keys: ['state'] },
  { has: isOf(132), example: 'sctp', keys: ['origVtag', 'replyVtag'] },
  { has: isOf(33), example: 'dccp', keys: ['role'] },
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
  const lacking = KINDS.filter(({ has }) => !has(protocol));
  const isGiven = (key: EntryKey): boolean => given[key] !== undefined;
  const kind = lacking.find(({ keys }) => keys.some(isGiven));
  if (kind === undefined) return;
  const found = flagOf(kind.keys.find(isGiven)!);
  const fit = KINDS.filter(({ has }) => has(protocol)).flatMap(({ keys }) => keys.map(flagOf));
  const needed = fit.length === 0 ? 'addresses alone' : fit.join(', ');
  throw new TraceError(
    'usage',
    `found ${found} with ${protocolName(protocol)}, needed what it has: ${needed}`,
    { hint: `for example -p ${kind.example} ${found}` },
  );
}

function flagOf(key: EntryKey): string {
  const option = (ENTRY_OPTIONS as readonly EntryOption[]).find((one) => one.key === key);
  return `--${option?.long[0] ?? key}`;
}
