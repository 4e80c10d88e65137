/** Figures as one table, or as JSON. */
import { cpus } from 'node:os';
import type { Runs, Stage } from './figures.ts';

export interface Results extends Runs {
  readonly captures: readonly string[];
}

interface Line {
  readonly what: string;
  readonly unit: string;
  readonly ours: number;
  readonly obvious: number;
  /** How many times better. */
  readonly ratio: number;
}

const WHAT: Readonly<Record<Stage, string>> = {
  drain: 'drain | a call per record',
  order: 'merge | decode to objects, sort',
  rebuild: 'rebuild | Maps of objects',
  batches: 'Arrow batches | vectorFromArray',
  batched: 'all of these: rings to Arrow batches',
  written: 'Parquet, zstd | JSON lines',
};

function linesOf({ equal, stages, text, ours, oursAgain, obvious }: Results): Line[] {
  const rate = (
    what: string,
    unit: string,
    ourMs: number,
    theirMs: number,
    of = equal.records,
  ): Line => ({
    what,
    unit,
    ours: (of / ourMs) * 1000,
    obvious: (of / theirMs) * 1000,
    ratio: theirMs / ourMs,
  });
  const size = (what: string, unit: string, our: number, their: number): Line => ({
    what,
    unit,
    ours: our,
    obvious: their,
    ratio: their / our,
  });
  const rowBytes = ({ packets }: Runs['ours']) => packets.bytes / packets.rows;
  const cpu = 'records per CPU second';
  return [
    ...Object.entries(WHAT).map(([stage, what]) =>
      rate(what, cpu, stages[stage as Stage], equal.times[stage as Stage]),
    ),
    rate(
      'rings to Arrow batches | lines of pwru parsed',
      cpu,
      stages.batched,
      (text.ms / text.lines) * equal.records,
    ),
    rate('whole: rings to files', cpu, ours.cpuMs, obvious.cpuMs),
    rate(
      'whole, packets',
      'packet rows per CPU second',
      ours.cpuMs,
      obvious.cpuMs,
      ours.packets.rows,
    ),
    rate('whole, elapsed', 'records per second', ours.elapsedMs, obvious.elapsedMs),
    rate('whole once more', cpu, oursAgain.cpuMs, obvious.cpuMs),
    rate('whole once more, elapsed', 'records per second', oursAgain.elapsedMs, obvious.elapsedMs),
    size('a packet row in the file', 'bytes', rowBytes(ours), rowBytes(obvious)),
    size('peak memory', 'MB', ours.peakBytes / 1e6, obvious.peakBytes / 1e6),
  ];
}

export function machine(): string {
  const all = cpus();
  return `${all[0]?.model.trim() ?? 'unknown CPU'}, ${all.length} cores, node ${process.version}`;
}

function subject({ equal, ours, captures }: Results): string {
  const { packets, flows } = ours;
  const rows = `${count(packets.rows)} packets and ${count(flows.rows)} flows`;
  const copies = `${equal.copies} copies of ${captures.join(', ')}`;
  const perRow = (equal.records / packets.rows).toFixed(2);
  return `${count(equal.records)} records (${copies}): ${rows}, ${perRow} records per packet row`;
}

export function asTable(results: Results): string {
  const cells = linesOf(results).map(({ what, unit, ours, obvious, ratio }) => [
    what,
    count(ours),
    count(obvious),
    `${ratio.toFixed(1)} x`,
    unit,
  ]);
  const rows = [['conntrail | obvious', 'conntrail', 'obvious', 'ratio', 'unit'], ...cells];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map(([what, ...rest]) => {
    const numbers = rest.slice(0, 3).map((cell, i) => cell.padStart(widths[i + 1]!));
    return [what!.padEnd(widths[0]!), ...numbers, rest[3]].join('  ');
  });
  const equal = 'both give the same rows, value for value';
  return [machine(), subject(results), equal, '', ...lines, ''].join('\n');
}

export function asJson(results: Results): string {
  const { records, copies } = results.equal;
  const { captures } = results;
  const all = { machine: machine(), captures, records, copies, lines: linesOf(results) };
  return `${JSON.stringify(all, null, 2)}\n`;
}

function count(value: number): string {
  return value < 100 ? value.toFixed(1) : Math.round(value).toLocaleString('en-US');
}
