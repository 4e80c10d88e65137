/** What the next packets of an entry meet: which tuple, which mapping, which chains. */
import { tupleText } from './explain-fields.ts';
import { rewrittenEnds } from './explain-nat.ts';
import { stateWords } from './explain-state.ts';
import { inverted } from './invert.ts';
import type { EntryRecord } from './parse-entry.ts';

const NO_CHAINS = 'the nat chains are not run, and rules there count nothing';

export function nextTexts(record: EntryRecord): string[] {
  const { entry, change, offload, state, hasNumbers } = record;
  if (change === 'destroy') {
    return [
      'the entry is gone: the next packet of this flow makes a new one, and the nat chains are run for it',
    ];
  }
  const known = hasNumbers ? entry.protocol : -1;
  const text = (tuple: typeof entry.original): string => tupleText(known, tuple);
  const sent = inverted(entry.protocol, entry.reply);
  const received = inverted(entry.protocol, entry.original);
  const isRewritten = rewrittenEnds(record).length > 0;
  const becomes = (tuple: typeof entry.original): string =>
    isRewritten ? ` and leaves as ${text(tuple)}` : ' and stays so';
  const path = offload ?? (isUntold(record) ? 'untold' : null);
  const words = state === null ? undefined : stateWords(entry.protocol, state);
  return [
    ...(path === null ? [] : [OFFLOADED[path]]),
    `original direction: comes as ${text(entry.original)}${becomes(sent)}; ${originalText(record, isRewritten)}`,
    `reply direction: must come as ${text(entry.reply)}${becomes(received)}; ${replyText(record, isRewritten)}`,
    ...(words?.next ?? []),
  ];
}

/** XML and arguments do not say [OFFLOAD], but only such an entry has no timeout. */
export function isUntold({ entry, change, offload }: EntryRecord): boolean {
  return entry.timeoutS === null && change === null && offload === null;
}

const OFFLOADED = {
  untold:
    'it has no timeout, so that a flowtable has it: packets pass no hook, and no rule sees or counts them',
  software:
    'packets take the flowtable at ingress and pass no hook: no rule sees or counts them, until one comes that it gives back (FIN, RST, too large)',
  hardware:
    'the network card forwards packets by itself: neither a hook nor a rule nor tcpdump on this host sees them',
} as const;

function originalText({ isReplied }: EntryRecord, isRewritten: boolean): string {
  const stored = isRewritten ? 'the mapping is stored already' : 'that there is no NAT is stored';
  if (!isReplied) return `ct state new as the first one, but ${stored}: ${NO_CHAINS}`;
  return isRewritten
    ? `ct state established: rewritten from the stored mapping, ${NO_CHAINS}`
    : `ct state established: ${stored}, ${NO_CHAINS}`;
}

function replyText({ isReplied }: EntryRecord, isRewritten: boolean): string {
  if (!isReplied) return 'the first one makes the flow established and takes [UNREPLIED] away';
  return isRewritten
    ? 'ct state established: the mapping is undone, no nat chain is run'
    : 'ct state established: nothing is to be undone, no nat chain is run';
}
