import { describe, expect, it } from 'vitest';
import {
  describeLedger,
  imbalance,
  type Ledger,
  type LedgerRow,
  lossesOf,
  totalLost,
} from '../../src/model/ledger.ts';

/** A row that balances and in which nothing was lost. */
function row(given: Partial<LedgerRow> = {}): LedgerRow {
  const none = { callsFull: 0, missedReturn: 0, missedEntry: 0, flowsFull: 0, evicted: 0 };
  const sent = { sent: 100, delivered: 100, ringFull: 0 };
  return { cpu: 2, probe: 4, ...sent, ...none, recursion: null, ...given };
}

function ledger(...rows: LedgerRow[]): Ledger {
  return { rows, lossWindow: null, conntrackStats: null };
}

describe('the ledger', () => {
  it('is complete when nothing was lost anywhere', () => {
    expect(describeLedger(ledger(row(), row({ cpu: 3, sent: 7, delivered: 7 })))).toBe(
      'complete: 107 records, none lost',
    );
    expect(describeLedger(ledger())).toBe('complete: 0 records, none lost');
  });

  it.each([
    ['ringFull', { ringFull: 3, delivered: 97 }],
    ['callsFull', { callsFull: 3 }],
    ['missedReturn', { missedReturn: 3 }],
    ['missedEntry', { missedEntry: 3 }],
    ['flowsFull', { flowsFull: 3 }],
    ['evicted', { evicted: 3 }],
    ['recursion', { recursion: 3 }],
  ])('counts %s as lost', (_, given) => {
    const lossy = row(given);
    expect(lossesOf(lossy)).toBe(3);
    expect(imbalance(lossy)).toBe(0);
    expect(totalLost(ledger(row(), lossy))).toBe(3);
    expect(describeLedger(ledger(row(), lossy))).toBe('3 of 200 records lost');
  });

  it.each([
    [{ delivered: 98 }, 2, 'sent 100, delivered 98, lost 0'],
    [{ delivered: 98, ringFull: 5 }, -3, 'sent 100, delivered 98, lost 5'],
    [{ delivered: 101 }, -1, 'sent 100, delivered 101, lost 0'],
  ])('says so when it does not balance: %o', (given, by, found) => {
    const wrong = row(given);
    expect(imbalance(wrong)).toBe(by);
    expect(describeLedger(ledger(row({ cpu: 9 }), wrong))).toBe(
      `the ledger does not balance: cpu 2 probe flow ${found}`,
    );
  });
});
