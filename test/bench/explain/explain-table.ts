/** Figures as one table of Markdown, explaining beside reading; or as JSON. */
import { markdown } from '../scale/scale-table.ts';
import { count, megabytes } from '../scale/sizes.ts';
import { machine } from '../table.ts';
import type { Result } from './cases.ts';

const HEAD = [
  'rules',
  'flows',
  'packets',
  'from',
  'reading: CPU s',
  'explain: CPU s',
  'ratio',
  'reading: s',
  'explain: s',
  'ratio',
  'reading: peak MB',
  'explain: peak MB',
];

function rowOf({ form, rules, flows, packets, from, reading, explaining }: Result): string[] {
  const seconds = (ms: number): string => (ms / 1000).toFixed(2);
  const ratio = (ours: number, theirs: number): string => (ours / theirs).toFixed(2);
  return [
    `${count(rules)} (${form})`,
    ...[flows, packets].map(count),
    from,
    ...[reading.cpuMs, explaining.cpuMs].map(seconds),
    ratio(explaining.cpuMs, reading.cpuMs),
    ...[reading.elapsedMs, explaining.elapsedMs].map(seconds),
    ratio(explaining.elapsedMs, reading.elapsedMs),
    ...[reading.peakBytes, explaining.peakBytes].map(megabytes),
  ];
}

export function explainTable(results: readonly Result[]): string {
  const about =
    'each rule has decided what it was made to decide; ratios to reading the same trace';
  return `${[machine(), about, markdown(HEAD, results.map(rowOf))].join('\n\n')}\n`;
}

export function explainJson(results: readonly Result[]): string {
  return `${JSON.stringify({ machine: machine(), results }, null, 2)}\n`;
}
