/** Figures as tables of Markdown, each beside the first row of its table; or as JSON. */
import { machine } from '../table.ts';
import type { CpusRun } from './cpus.ts';
import type { FlowsRun } from './flows.ts';
import type { LengthRun } from './length.ts';
import type { Results } from './parts.ts';
import type { ProducersRun } from './producers.ts';
import { count, megabytes, ratio } from './sizes.ts';

type Row = readonly string[];

export function markdown(head: Row, rows: readonly Row[]): string {
  const line = (cells: Row) => `| ${cells.join(' | ')} |`;
  const rule = head.map(() => '--:');
  return [line(head), `|${rule.join('|')}|`, ...rows.map(line)].join('\n');
}

function flowsTable(runs: readonly FlowsRun[]): string {
  const total = ({ drainNs, tablesNs }: FlowsRun) => drainNs + tablesNs;
  return markdown(
    [
      'flows under way',
      'ns per record',
      'ratio',
      'of it drain',
      'ns per flow that begins',
      'ns per flow in the end',
      'peak MB',
      'ratio',
    ],
    runs.map((run) => [
      count(run.flows),
      count(total(run)),
      ratio(total(run), total(runs[0]!)),
      count(run.drainNs),
      count(run.beginNs),
      count(run.finishNs),
      megabytes(run.peakBytes),
      ratio(run.peakBytes, runs[0]!.peakBytes),
    ]),
  );
}

function cpusTable(runs: readonly CpusRun[]): string {
  const sharing = (run: CpusRun) =>
    runs.find(({ cpus, shares }) => shares && cpus === run.cpus) ?? run;
  const own = runs.filter(({ shares }) => !shares);
  const first = own[0]!;
  return markdown(
    [
      'CPUs',
      'own rings: drain',
      'ratio',
      'merge, rebuild, columns',
      'ratio',
      'one ring: drain',
      'ratio',
      'merge, rebuild, columns',
      'ratio',
    ],
    own.map((run) => [
      count(run.cpus),
      ...[run, sharing(run)].flatMap(({ drainNs, tablesNs }) => [
        count(drainNs),
        ratio(drainNs, first.drainNs),
        count(tablesNs),
        ratio(tablesNs, first.tablesNs),
      ]),
    ]),
  );
}

function producersTable(runs: readonly ProducersRun[]): string {
  return markdown(
    ['producers at once', 'ns of work between', 'own rings', 'ratio', 'one ring', 'ratio'],
    runs.map(({ threads, apartNs, ownNs, sharedNs }) => {
      const first = runs.find((run) => run.apartNs === apartNs)!.ownNs;
      return [
        count(threads),
        count(apartNs),
        count(ownNs),
        ratio(ownNs, first),
        count(sharedNs),
        ratio(sharedNs, first),
      ];
    }),
  );
}

function lengthTable({ marks }: LengthRun): string {
  const first = marks[0]!;
  const before = (index: number) => marks[index - 1]?.records ?? 0;
  return markdown(
    [
      'records up to',
      'ns per record',
      'ratio',
      'records per s',
      'MB now',
      'ratio',
      'of it buffers',
      'of it heap',
      'peak MB',
    ],
    marks.map(({ records, cpuNs, elapsedMs, memory, peakBytes }, index) => [
      count(records),
      count(cpuNs),
      ratio(cpuNs, first.cpuNs),
      count(((records - before(index)) / elapsedMs) * 1000),
      megabytes(memory.rssBytes),
      ratio(memory.rssBytes, first.memory.rssBytes),
      megabytes(memory.bufferBytes),
      megabytes(memory.heapBytes),
      megabytes(peakBytes),
    ]),
  );
}

function lengthText(run: LengthRun): string {
  const { sent, delivered, lost, packets, flows, fileBytes, closeMs, waits } = run;
  const ledger = `${count(sent)} records sent: ${count(delivered)} delivered, ${count(lost)} lost on purpose`;
  const rows = `${count(packets)} rows of packets, ${count(flows)} of flows, ${(fileBytes / packets).toFixed(1)} bytes in the files for a row of packets`;
  const end = `${count(closeMs)} ms of CPU time to close the files; the producer found a ring full ${count(waits)} times and waited`;
  return [ledger, rows, end].join('\n');
}

export function scaleTables({ flows, cpus, producers, length }: Results): string {
  const parts = [
    `${machine()}; CPU time, ratios to the first row`,
    ...(flows.length > 0 ? ['Flows under way:', flowsTable(flows)] : []),
    ...(cpus.length > 0 ? ['CPUs, ns of the reader per record:', cpusTable(cpus)] : []),
    ...(producers.length > 0
      ? ['Producers, ns of each per record:', producersTable(producers)]
      : []),
    ...length.flatMap((run) => ['Length of the trace:', lengthTable(run), lengthText(run)]),
  ];
  return `${parts.join('\n\n')}\n`;
}

export function scaleJson(results: Results): string {
  return `${JSON.stringify({ machine: machine(), ...results }, null, 2)}\n`;
}
