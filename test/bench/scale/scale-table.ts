/** Figures as tables of Markdown, each beside the first row of its table; or as JSON. */
import { machine } from '../table.ts';
import type { CpusRun } from './cpus.ts';
import type { FlowsRun } from './flows.ts';
import type { LengthRun } from './length.ts';
import type { Results } from './parts.ts';
import type { ProducersRun } from './producers.ts';
import { count, megabytes } from './sizes.ts';

type Row = readonly string[];

export function markdown(head: Row, rows: readonly Row[]): string {
  const line = (cells: Row) => `| ${cells.join(' | ')} |`;
  const rule = head.map(() => '--:');
  return [line(head), `|${rule.join('|')}|`, ...rows.map(line)].join('\n');
}

/** What a row has of a column, and what it is called. */
type Column<Run> = readonly [name: string, of: (run: Run) => number, text?: typeof count];

/** A row per run, each figure with its ratio to that of the first run. */
export function besideFirst<Run>(
  runs: readonly Run[],
  key: readonly [name: string, of: (run: Run) => number],
  columns: readonly Column<Run>[],
): string {
  return markdown(
    [key[0], ...columns.map(([name]) => name)],
    runs.map((run) => [
      count(key[1](run)),
      ...columns.map(([, of, text = count]) => {
        const ratio = of(run) / of(runs[0]!);
        return Number.isFinite(of(run)) && Number.isFinite(ratio)
          ? `${text(of(run))} (${ratio.toFixed(2)})`
          : '-';
      }),
    ]),
  );
}

function flowsTable(runs: readonly FlowsRun[]): string {
  return besideFirst(
    runs,
    ['flows under way', ({ flows }) => flows],
    [
      ['ns per packet record', ({ drainNs, tablesNs }) => drainNs + tablesNs],
      ['of it drain', ({ drainNs }) => drainNs],
      ['ns per flow that begins', ({ beginNs }) => beginNs],
      ['ns per flow in the end', ({ finishNs }) => finishNs],
      ['peak MB', (run) => run.peakBytes, megabytes],
    ],
  );
}

function cpusTable(runs: readonly CpusRun[]): string {
  const shared = (run: CpusRun) =>
    runs.find(({ cpus, shares }) => shares && cpus === run.cpus) ?? run;
  return besideFirst(
    runs.filter(({ shares }) => !shares),
    ['CPUs', ({ cpus }) => cpus],
    [
      ['own rings: drain', ({ drainNs }) => drainNs],
      ['merge to columns', ({ tablesNs }) => tablesNs],
      ['one ring: drain', (run) => shared(run).drainNs],
      ['merge to columns', (run) => shared(run).tablesNs],
    ],
  );
}

function producersTable(runs: readonly ProducersRun[]): string {
  const apart = [...new Set(runs.map(({ apartNs }) => apartNs))];
  return besideFirst(
    runs.filter(({ apartNs }) => apartNs === apart[0]),
    ['producers at once', ({ threads }) => threads],
    apart.flatMap((ns): Column<ProducersRun>[] => {
      const same = (run: ProducersRun) =>
        runs.find(({ threads, apartNs }) => threads === run.threads && apartNs === ns) ?? run;
      const when = ns === 0 ? 'one after the other' : `${count(ns)} ns of work between`;
      return [
        [`${when}: own rings`, (run) => same(run).ownNs],
        ['one ring', (run) => same(run).sharedNs],
      ];
    }),
  );
}

function lengthTable({ marks }: LengthRun): string {
  const decades = marks.map((mark, index) => ({
    ...mark,
    perSecond: ((mark.records - (marks[index - 1]?.records ?? 0)) / mark.elapsedMs) * 1000,
  }));
  return besideFirst(
    decades,
    ['records up to', ({ records }) => records],
    [
      ['ns per record', ({ cpuNs }) => cpuNs],
      ['records per second', ({ perSecond }) => perSecond],
      ['MB now', ({ memory }) => memory.rssBytes, megabytes],
      ['of it buffers', ({ memory }) => memory.bufferBytes, megabytes],
      ['of it heap', ({ memory }) => memory.heapBytes, megabytes],
      ['peak MB', (mark) => mark.peakBytes, megabytes],
      ['most waiting in the merge', ({ waiting }) => waiting],
    ],
  );
}

function lengthText(run: LengthRun): string {
  const { sent, delivered, lost, packets, flows, fileBytes, closeMs, waits } = run;
  const ledger = `${count(sent)} records sent: ${count(delivered)} delivered, ${count(lost)} lost on purpose`;
  const rows = `${count(packets)} rows of packets, ${count(flows)} of flows, ${(fileBytes / packets).toFixed(1)} bytes in the files for a row of packets`;
  const end = `${count(closeMs)} ms of CPU time to close the files; the producer found a ring full ${count(waits)} times and waited`;
  return [ledger, rows, end].join('\n');
}

/** Every so many samples. */
const PACED_STEP = 5;

function pacedTable({ samples, marks }: LengthRun): string {
  const shown = samples.filter((_, at) => at % PACED_STEP === 0 || at === samples.length - 1);
  const table = markdown(
    ['records', 'MB now', 'of it buffers', 'of it heap'],
    shown.map(({ records, memory }) => [
      count(records),
      megabytes(memory.rssBytes),
      megabytes(memory.bufferBytes),
      megabytes(memory.heapBytes),
    ]),
  );
  const last = marks.at(-1)!;
  const figures = `peak ${megabytes(last.peakBytes)} MB; ${count(last.cpuNs)} ns of CPU time per record`;
  return `${table}\n\n${figures}`;
}

export function scaleTables({ flows, cpus, producers, length, paced }: Results): string {
  const parts = [
    `${machine()}; CPU time, and in brackets the ratio to the first row`,
    ...(flows.length > 0 ? ['Flows under way:', flowsTable(flows)] : []),
    ...(cpus.length > 0 ? ['CPUs, ns of the reader per record:', cpusTable(cpus)] : []),
    ...(producers.length > 0
      ? [
          'Producers, ns of each per record, no more at once than this machine has cores:',
          producersTable(producers),
        ]
      : []),
    ...length.flatMap((run) => ['Length of the trace:', lengthTable(run), lengthText(run)]),
    ...paced.flatMap((run) => ['A steady rate:', pacedTable(run), lengthText(run)]),
  ];
  return `${parts.join('\n\n')}\n`;
}

export function scaleJson(results: Results): string {
  return `${JSON.stringify({ machine: machine(), ...results }, null, 2)}\n`;
}
