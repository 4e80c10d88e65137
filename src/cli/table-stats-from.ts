/** What `conntrail table stats --from` does: who moved the counters during a recorded trace. */
import { parsePacketTerms } from '../capture/packet-terms.ts';
import { BatchView } from '../columns/batch-view.ts';
import { endText } from '../model/address.ts';
import { hasPorts, protocolName } from '../model/codes.ts';
import type { TraceFacts } from '../model/facts.ts';
import { FAILURES } from '../model/tables.ts';
import { CauseCounts, causesText } from '../table/stats-causes.ts';
import { STATS_VERSION } from '../table/stats-show.ts';
import { readTrace } from './trace-source.ts';
import { reportLedger } from './watch-run.ts';
import { writeOut } from './write-out.ts';

export interface StatsFromOptions {
  readonly from: string;
  readonly netns?: string;
  readonly json?: boolean;
}

export async function statsFrom({ from, netns, json }: StatsFromOptions): Promise<void> {
  const counts = new CauseCounts();
  let facts: TraceFacts | undefined;
  const ledger = await readTrace(from, ['failures'], {
    facts: (found) => {
      facts = found;
    },
    batch: async ({ batch }) => addAll(counts, new BatchView(batch, FAILURES)),
  });
  const names = facts?.netnsNames ?? {};
  const wanted = netns === undefined ? undefined : parsePacketTerms({ netns }, () => names).netns;
  const counters = counts
    .reports(ledger?.accounted ?? [])
    .filter((one) => wanted === undefined || wanted.includes(one.netns));
  const text = causesText(counters, (inode) => names[inode] ?? `namespace ${inode}`);
  const document = { schemaVersion: STATS_VERSION, from, counters };
  await writeOut(json ? `${JSON.stringify(document)}\n` : text);
  reportLedger(ledger);
}

function addAll(counts: CauseCounts, view: BatchView): void {
  for (let row = 0; row < view.rows; row++) {
    const counters = view.word('counters', row);
    if (counters === null) continue;
    counts.add({
      netns: view.numbers('netns')[row]!,
      counters: counters.split(','),
      cause: view.word('cause', row) ?? 'none',
      text: view.word('text', row),
      who: whoText(view, row),
    });
  }
}

function whoText(view: BatchView, row: number): string {
  if (view.isNull('src', row)) return 'a packet that is not known';
  const protocol = view.numbers('protocol')[row]!;
  const port = view.numbers('dst_port')[row]!;
  const dst = endText(view.address('dst', row), port, hasPorts(protocol));
  return `${protocolName(protocol)} ${view.address('src', row)} > ${dst}`;
}
