/** An entry explained: fields, NAT, the next packet, the commands for exactly this one. */
import { protocolName } from '../model/codes.ts';
import { deleteCommand, lookCommand } from './command.ts';
import { entryFacts } from './explain-fields.ts';
import { natTexts, natTitle, rewrittenEnds } from './explain-nat.ts';
import { isUntold, nextTexts } from './explain-next.ts';
import type { Explanation } from './explain-shapes.ts';
import type { EntryRecord } from './parse-entry.ts';
import { entryText } from './tuple-text.ts';

export function explainEntry(record: EntryRecord): Explanation {
  const { change, state, isReplied, offload } = record;
  const seen = offload !== null || isUntold(record) ? 'offloaded' : isReplied ? null : 'unreplied';
  const happened = change === null ? null : EVENTS[change];
  const title = [flowText(record), happened, state, seen, natTitle(record)].filter(
    (one) => one !== null,
  );
  return {
    title: title.join(', '),
    facts: entryFacts(record),
    rewritten: rewrittenEnds(record),
    nat: natTexts(record),
    next: nextTexts(record),
    advice: adviceOf(record),
    ...commandsOf(record),
  };
}

/** Ports that are not told are not shown. */
function flowText({ entry, hasNumbers }: EntryRecord): string {
  const { protocol, original } = entry;
  if (hasNumbers) return entryText(entry);
  return `${protocolName(protocol)} ${original.src} > ${original.dst}`;
}

const EVENTS = { new: 'made', update: 'changed', destroy: 'deleted' } as const;

/** Those of an entry that is gone, or whose numbers are not told, would find others. */
function commandsOf(record: EntryRecord): Pick<Explanation, 'look' | 'delete'> {
  const { entry, change, hasNumbers } = record;
  if (change === 'destroy' || !hasNumbers) return { look: null, delete: null };
  // a line does not tell whether the namespace has other zones
  return { look: lookCommand([], entry, true), delete: deleteCommand([], entry, true) };
}

function adviceOf(record: EntryRecord): string[] {
  const { entry, state, isReplied, change, form, hasNumbers } = record;
  const found: string[] = [];
  if (!hasNumbers && form === 'xml')
    found.push('without -o xml, conntrack also shows type, code and identifier');
  // an entry just made cannot have an answer yet
  if (change === 'destroy' || change === 'new') return found;
  if (!isReplied && state === 'SYN_SENT') {
    found.push(
      'no answer to the SYN passed here: the server is not there or refuses in silence, the reply is filtered, or it takes another way back',
    );
  } else if (!isReplied && entry.protocol !== 6) {
    found.push(
      'no answer passed here: none was sent, it was filtered, or it takes another way back',
    );
  }
  if (!isReplied && entry.protocol === 6 && state === 'ESTABLISHED') {
    found.push('only one direction passes here, or conntrack came into the middle of the flow');
  }
  return found;
}
