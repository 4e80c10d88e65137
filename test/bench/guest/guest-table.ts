/** Figures of the guests as one table, and what they said below it. */
import { cpus } from 'node:os';
import type { Measured, Measurement } from './guests.ts';
import { WORKLOADS, type Workload } from './job.ts';

const HEADINGS: Readonly<Record<Workload, string>> = { one: 'one flow', flows: 'new flows' };
const COLUMNS = ['instructions', 'ratio', 'user', 'packets/s', 'lost'];

export interface Sizes {
  readonly packets: Readonly<Record<Workload, number>>;
}

const totalOf = (one: Measured | undefined) =>
  one?.instructions && one.instructions.user + one.instructions.kernel;

export const count = (value: number) => Math.round(value).toLocaleString('en-US');

/** By its own account, or by what is missing among its lines, whichever is more. */
export function lostRecords({ subject, workloads }: Measurement, workload: Workload, sent: number) {
  const seen = workloads.find((one) => one.workload === workload);
  if (!seen || !subject.command) return undefined;
  const expected = (subject.command.perPacket?.[workload] ?? 0) * sent;
  const missing = Math.max(0, expected - (seen.records ?? expected));
  return Math.max(
    missing,
    seen.says.reduce((sum, line) => sum + confessed(line), 0),
  );
}

/** `uniq -c` put the number of such lines before each. */
export function confessed(line: string): number {
  const [, times = '0', text = ''] = /^(\d+) (.*)$/.exec(line) ?? [];
  const [, lost] =
    /(\d+) of \d+ records lost/.exec(text) ??
    /^(\d+) packets? dropped by/.exec(text) ??
    /Lost (\d+) events/.exec(text) ??
    [];
  return Number(times) * Number(lost ?? 0);
}

function cells(one: Measurement, base: Measurement | undefined, sizes: Sizes): string[] {
  return WORKLOADS.flatMap((workload) => {
    const find = (from: Measurement | undefined) =>
      from?.workloads.find((seen) => seen.workload === workload);
    const [seen, nothing] = [find(one), find(base)];
    const total = totalOf(seen);
    const least = totalOf(nothing);
    if (!seen || total === undefined) return COLUMNS.map(() => '-');
    const sent = sizes.packets[workload];
    const lost = lostRecords(one, workload, sent);
    return [
      count(total),
      least === undefined ? '-' : (total / least).toFixed(2),
      count(seen.instructions?.user ?? 0),
      count(sent / (seen.sendingUs / 1e6)),
      lost === undefined ? '-' : count(lost),
    ];
  });
}

function notes(one: Measurement, sizes: Sizes): string[] {
  const where = `${one.subject.title}, ${one.release}`;
  const failure = one.failure ? [`${where}: ${one.failure.split('\n')[0]}`] : [];
  const said = one.workloads.flatMap((seen) => {
    const { workload, arrived, says } = seen;
    const sent = sizes.packets[workload];
    const missing = arrived === sent ? [] : [`${count(arrived)} of ${count(sent)} packets arrived`];
    const worth = says.filter((line) => !/^\d+ complete| written$|^\d+ 0 packets/.test(line));
    return [...missing, ...worth].map((line) => `${where}, ${HEADINGS[workload]}: ${line}`);
  });
  return [...failure, ...said];
}

export function machine(): string {
  const all = cpus();
  return `${all[0]?.model.trim() ?? 'unknown CPU'}, ${all.length} cores, node ${process.version}`;
}

/** Cells side by side, the first column to the left: also a table in Markdown. */
export function alignTable(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, at) => Math.max(...rows.map((row) => row[at]!.length)));
  const lines = rows.map((row) => {
    const words = row.map((cell, at) =>
      at ? cell.padStart(widths[at]!) : cell.padEnd(widths[0]!),
    );
    return `| ${words.join(' | ')} |`;
  });
  const rule = `|${widths.map((width, at) => `${'-'.repeat(width + 1)}${at ? ':' : '-'}`).join('|')}|`;
  return [lines[0]!, rule, ...lines.slice(1)];
}

export function guestTable(all: readonly Measurement[], sizes: Sizes): string {
  const head = WORKLOADS.flatMap((workload) =>
    COLUMNS.map((column, at) => (at === 0 ? `${HEADINGS[workload]}: ${column}` : column)),
  );
  const rows = all.map((one) => {
    const base = all.find(
      (other) => other.subject.name === 'nothing' && other.release === one.release,
    );
    return [`${shortRelease(one.release)}: ${one.subject.title}`, ...cells(one, base, sizes)];
  });
  const sent = WORKLOADS.map((name) => `${count(sizes.packets[name])} packets, ${HEADINGS[name]}`);
  const about = `guest instructions per packet; ${sent.join('; ')}`;
  const below = all.flatMap((one) => notes(one, sizes));
  return [machine(), about, '', ...alignTable([['', ...head], ...rows]), '', ...below, ''].join(
    '\n',
  );
}

export function shortRelease(release: string): string {
  return /^\d+\.\d+/.exec(release)?.[0] ?? release;
}
