/** What a recorded trace says of its own beginning, end and losses. */
import type { TraceFacts, TraceTimes } from '../model/facts.ts';
import { type Ledger, lossesOf } from '../model/ledger.ts';

/** What a trace says of itself; the ledger null: it was cut short. */
export interface TraceEnds {
  readonly facts: TraceFacts;
  readonly ledger: Ledger | null;
  readonly times: TraceTimes | undefined;
}

/**
 * ns since 1970: entries that began later were not touched by a loss. Only of
 * gaps in the rings it is known when they were.
 */
export function lostUntil({ facts, ledger }: TraceEnds): number {
  if (ledger === null) return Number.POSITIVE_INFINITY;
  const { rows, lossWindow } = ledger;
  if (rows.every((row) => lossesOf(row) === 0)) return Number.NEGATIVE_INFINITY;
  const areGaps = rows.every((row) => lossesOf(row) === row.ringFull);
  if (!areGaps || lossWindow === null) return Number.POSITIVE_INFINITY;
  return Number(BigInt(lossWindow.toNs) + BigInt(facts.clockOffsetNs));
}
