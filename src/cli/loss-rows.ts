/** The table `losses`: the rows of the finished ledger. */
import type { Ledger } from '../model/ledger.ts';
import { layoutOf } from '../model/row-layout.ts';
import { RowBuffer } from '../model/rows.ts';
import { LOSSES } from '../model/tables.ts';

const Loss = layoutOf(LOSSES);

export function lossRows(ledger: Ledger): RowBuffer {
  const rows = new RowBuffer(LOSSES, ledger.rows.length);
  for (const loss of ledger.rows) {
    const row = rows.next();
    const wide = (column: string, count: number): void => {
      rows.words[row + Loss.at(column)] = count | 0;
      rows.words[row + Loss.at(column) + 1] = Math.floor(count / 0x100000000);
    };
    rows.words[row + Loss.at('cpu')] = loss.cpu;
    rows.words[row + Loss.at('probe')] = loss.probe;
    wide('sent', loss.sent);
    wide('delivered', loss.delivered);
    wide('ring_full', loss.ringFull);
    wide('calls_full', loss.callsFull);
    wide('missed_return', loss.missedReturn);
    wide('missed_entry', loss.missedEntry);
    wide('flows_full', loss.flowsFull);
    wide('evicted', loss.evicted);
    wide('recursion', loss.recursion ?? 0);
    if (loss.recursion === null) {
      const bit = Loss.index('recursion');
      rows.words[row + (bit >>> 5)]! |= 1 << (bit & 31);
    }
  }
  return rows;
}
