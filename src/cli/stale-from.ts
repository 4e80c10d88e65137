/** What `conntrail explain --stale --from` does: the table as a recorded trace left it. */
import { parsePacketTerms } from '../capture/packet-terms.ts';
import { BatchView } from '../columns/batch-view.ts';
import { type RecordedReport, type RecordedStale, StaleTrace } from '../explain/stale-trace.ts';
import { throughNetns } from '../explain/through.ts';
import { contextOf } from '../explain/trace-context.ts';
import { TraceError } from '../model/error.ts';
import type { TraceFacts, TraceTimes } from '../model/facts.ts';
import type { Ledger } from '../model/ledger.ts';
import { FLOWS, PACKETS, RULES } from '../model/tables.ts';
import { deleteCommand } from '../table/command.ts';
import { type StaleEntry, type StaleNamespace, staleJson, staleList } from './stale-show.ts';
import { readTrace } from './trace-source.ts';
import { reportLedger } from './watch-run.ts';
import { writeOut } from './write-out.ts';

export interface RecordedOptions {
  readonly from: string;
  readonly netns?: string;
  readonly json?: boolean;
}

interface Recorded {
  readonly trace: StaleTrace;
  readonly facts: TraceFacts;
  readonly times: TraceTimes | undefined;
  readonly ledger: Ledger | null;
}

export async function explainRecordedStale(options: RecordedOptions): Promise<void> {
  const { from, netns, json } = options;
  const recorded = await readRecorded(from);
  const { trace, facts, ledger } = recorded;
  if (!trace.hasRules) {
    throw new TraceError('missing', `${from} has no rules, needed those that were loaded`, {
      hint: 'conntrail record --duration 5s --out trace, while NAT rules are loaded',
    });
  }
  const wanted =
    netns === undefined ? undefined : parsePacketTerms({ netns }, () => facts.netnsNames).netns;
  const found = trace.reports(recorded, wanted).map((report) => shown(report, facts, ledger));
  const list = found.length === 0 ? NO_ENTRIES : staleList(found);
  await writeOut(json ? staleJson(found) : list);
  reportLedger(ledger);
}

const NO_ENTRIES = 'no entries were in the table when the trace ended\n';

async function readRecorded(from: string): Promise<Recorded> {
  let facts: TraceFacts | undefined;
  let times: TraceTimes | undefined;
  let trace = new StaleTrace({});
  const ledger = await readTrace(from, ['packets', 'flows', 'rules'], {
    facts: (found) => {
      facts = found;
      trace = new StaleTrace(found.places ?? {}); // files of older versions have none
    },
    times: (found) => {
      times = found;
    },
    batch: async ({ table, batch }) => {
      if (table === 'packets') trace.addPackets(new BatchView(batch, PACKETS));
      else if (table === 'rules') trace.addRules(new BatchView(batch, RULES));
      else trace.addFlows(new BatchView(batch, FLOWS));
    },
  });
  return { trace, facts: facts!, times, ledger };
}

function shown(report: RecordedReport, facts: TraceFacts, ledger: Ledger | null): StaleNamespace {
  const { netns, entries, expected, unknown, hasZones } = report;
  const { netnsName, enterableName } = contextOf(facts, ledger);
  const through = throughNetns(netns, facts.netnsNames[netns]);
  const stale = report.stale.map(
    (one: RecordedStale): StaleEntry => ({
      ...one,
      deleteCommand: deleteCommand(through, one.entry, hasZones),
    }),
  );
  stale.sort((a, b) => (b.rate?.bytesPerS ?? 0) - (a.rate?.bytesPerS ?? 0));
  const name = enterableName(netns) ?? null;
  return {
    ...{ netns, name, title: netnsName(netns) },
    ...{ stale, entries, expected, unknown, notes: [] },
  };
}
