/** The highest rate a guest with two CPUs can make, with and without conntrail; nothing is counted. */
import { alignTable, count, lostRecords, shortRelease } from './guest-table.ts';
import { type Measurement, measure } from './guests.ts';
import { NOTHING, WHOLE } from './subjects.ts';

const PACKETS = { one: 200_000, flows: 0 };
const WARM_UP = { one: 20_000, flows: 0 };
const SENDERS = [1, 2];

export interface Rate extends Measurement {
  readonly senders: number;
}

export async function measureRates(
  kernel: string,
  tools: string,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<Rate[]> {
  const all: Rate[] = [];
  for (const senders of SENDERS) {
    for (const subject of [NOTHING, WHOLE]) {
      const job = { subject, tools, packets: PACKETS, warmUp: WARM_UP, senders };
      const one = await measure(kernel, job, 2, signal);
      say(`${kernel} two CPUs, senders ${senders}, ${subject.name}: ${one.elapsedMs} ms`);
      all.push({ ...one, senders });
    }
  }
  return all;
}

export function rateTable(all: readonly Rate[]): string {
  const rows = all.map((rate) => {
    const { subject, release, senders, workloads, failure } = rate;
    const where = `${shortRelease(release)}: ${subject.title}`;
    const [seen] = workloads;
    if (!seen) return [where, String(senders), failure ?? 'failed', '-', '-', '-'];
    const lost = lostRecords(rate, 'one', PACKETS.one);
    return [
      where,
      String(senders),
      count(PACKETS.one / (seen.sendingUs / 1e6)),
      count(seen.arrived),
      lost === undefined ? '-' : count(lost),
      (seen.wholeUs / 1e6).toFixed(1),
    ];
  });
  const head = [
    'two CPUs',
    'senders',
    'packets/s',
    'packets',
    'records lost',
    'seconds to the end',
  ];
  const places = all.flatMap(({ subject, release, senders, workloads }) =>
    workloads
      .flatMap(({ says }) => says)
      .filter((line) => !/ written$/.test(line))
      .map((line) => `${shortRelease(release)}: ${subject.title}, senders ${senders}: ${line}`),
  );
  return [...alignTable([head, ...rows]), '', ...places, ''].join('\n');
}
