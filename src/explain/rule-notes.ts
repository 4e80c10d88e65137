/** What is to be said of a rule as a whole, beside the sum of its packets. */
import { checkCounter, wasReset } from './counter-check.ts';
import { newTally, type RuleAccount, type RuleNote, type Tally } from './rule-account.ts';
import { type RuleRow, ruleName } from './rule-rows.ts';
import { isTouched, lossText, type TraceContext } from './trace-context.ts';

export interface Note {
  readonly note: RuleNote | 'unknown';
  readonly detail: string;
  readonly tally: Tally;
  /** Where the tally's own number is not what is known. */
  readonly packets?: null;
}

export function notesOf(
  account: RuleAccount,
  rows: readonly RuleRow[],
  context: TraceContext,
): Note[] {
  const { row, offloaded, elsewhere } = account;
  const notes: Note[] = [];
  const changed = changeOf(account, rows, context);
  if (changed !== '') {
    notes.push({ note: 'counter reset or rules reloaded', detail: changed, tally: newTally() });
  }
  if (offloaded.flows > 0) {
    const detail = 'their packets pass no hook once the flowtable has them';
    notes.push({ note: 'bypassed by a flowtable', detail, tally: offloaded, packets: null });
  }
  for (const [netns, tally] of elsewhere) {
    const detail = `they passed in ${context.netnsName(netns)}`;
    notes.push({ note: 'other network namespace', detail, tally });
  }
  if (isTouched(row, context)) {
    notes.push({ note: 'unknown', detail: lossText(context), tally: newTally(), packets: null });
  } else if (isIdle(account) && elsewhere.size === 0) {
    notes.push({ note: 'no such traffic seen', detail: leftOut(context), tally: newTally() });
  }
  return notes;
}

/** What the trace leaves out, and so may not have seen. */
function leftOut({ detail, sample, filter }: TraceContext): string {
  const parts = [
    ...(detail === 'flows' ? ['flows alone were traced'] : []),
    ...(sample > 1 ? [`one flow of ${sample} was traced`] : []),
    ...(filter === '' ? [] : [`only "${filter}" was traced`]),
  ];
  return parts.join(', ');
}

function isIdle({ couldMatch, flowsDecided }: RuleAccount): boolean {
  return couldMatch === 0 && flowsDecided === 0;
}

function changeOf(account: RuleAccount, rows: readonly RuleRow[], context: TraceContext): string {
  const { row } = account;
  const { removedAt } = row;
  const counter = checkCounter(account, context);
  if (counter !== null && wasReset(counter)) {
    const { before, after, delta, seen } = counter;
    return delta < 0
      ? `its counter went from ${before} to ${after}`
      : `its counter rose by ${delta}, the trace saw ${seen}`;
  }
  if (removedAt === null) return '';
  const again = rows.find(
    (other) =>
      other !== row &&
      other.addedAt !== null &&
      other.addedAt >= removedAt &&
      other.netns === row.netns &&
      other.text === row.text,
  );
  return again === undefined
    ? 'the rule went away during the trace'
    : `the rule was loaded anew as ${ruleName(again)}`;
}
