import { describe, expect, it } from 'vitest';
import type { LedgerRow } from '../../../src/model/ledger.ts';
import { describePlaces } from './loss-places.ts';

const ROW: LedgerRow = {
  cpu: 0,
  probe: 1,
  sent: 90,
  delivered: 90,
  ringFull: 0,
  callsFull: 0,
  missedReturn: 0,
  missedEntry: 0,
  flowsFull: 0,
  recursion: null,
  evicted: 0,
};
const ledger = (...rows: LedgerRow[]) => ({ rows, lossWindow: null, conntrackStats: null });

describe('places of loss', () => {
  it('are none where all was delivered', () => {
    expect(describePlaces(ledger(ROW))).toBeUndefined();
  });

  it('are summed over CPUs and probes', () => {
    const full = { ...ROW, delivered: 80, ringFull: 10 };
    const missed = { ...ROW, recursion: 4, missedReturn: 3 };
    const text = describePlaces(ledger(full, { ...full, cpu: 1 }, missed));
    expect(text).toBe('ringFull 20, missedReturn 3, recursion 4');
  });

  it('include what no counter knows', () => {
    expect(describePlaces(ledger({ ...ROW, delivered: 88 }))).toBe('imbalance 2');
  });
});
