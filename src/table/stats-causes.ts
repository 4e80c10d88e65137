/** Who moved the counters: rows of `failures`, summed by counter, cause and flow. */
import type { AccountedCounter } from '../model/accounted.ts';
import { counterWords } from './stats-counters.ts';

/** One row of `failures` that added to counters. */
export interface Failed {
  /** Inode. */
  readonly netns: number;
  /** As `conntrack -S` names them. */
  readonly counters: readonly string[];
  readonly cause: string;
  /** The kernel's own words; null: none. */
  readonly text: string | null;
  /** Protocol, source, destination and its port: source ports differ in each. */
  readonly who: string;
}

export interface CauseReport {
  readonly cause: string;
  readonly text: string | null;
  readonly count: number;
  /** Most first, at most five. */
  readonly who: readonly { readonly flow: string; readonly count: number }[];
  /** Of flows that are not among them. */
  readonly others: number;
}

export interface CounterCauses {
  readonly netns: number;
  readonly counter: string;
  /** By how much the kernel's counter moved during the trace; null: it was not read. */
  readonly counted: number | null;
  /** Rows that tell why. */
  readonly explained: number;
  readonly meaning: string;
  readonly toDo: string | null;
  /** Most first. */
  readonly causes: readonly CauseReport[];
}

const MOST_WHO = 5;
/** Flows of one cause that are told apart: a flood has no end of sources. */
const MOST_FLOWS = 10_000;

interface Sum {
  readonly cause: string;
  readonly text: string | null;
  count: number;
  readonly flows: Map<string, number>;
}

export class CauseCounts {
  /** By namespace and counter, then by cause and text. */
  private readonly sums = new Map<string, Map<string, Sum>>();

  add({ netns, counters, cause, text, who }: Failed): void {
    for (const counter of counters) {
      const causes = held(this.sums, `${netns} ${counter}`, () => new Map<string, Sum>());
      const flows = new Map<string, number>();
      const sum = held(causes, `${cause} ${text}`, () => ({ cause, text, count: 0, flows }));
      sum.count++;
      const before = sum.flows.get(who);
      if (before !== undefined || sum.flows.size < MOST_FLOWS)
        sum.flows.set(who, (before ?? 0) + 1);
    }
  }

  /** `accounted`: of the ledger; counters that nothing moved are not in it. */
  reports(accounted: readonly AccountedCounter[]): CounterCauses[] {
    const counted = new Map<string, number>();
    for (const { netns, counter, counted: more } of accounted) {
      const key = `${netns} ${counter}`;
      counted.set(key, (counted.get(key) ?? 0) + more);
    }
    const keys = new Set([...this.sums.keys(), ...counted.keys()]);
    return [...keys].map((key) => this.report(key, counted.get(key) ?? null)).sort(byPlace);
  }

  private report(key: string, counted: number | null): CounterCauses {
    const [netns = '', counter = ''] = key.split(' ');
    const sums = [...(this.sums.get(key)?.values() ?? [])].sort((a, b) => b.count - a.count);
    const words = counterWords(counter);
    return {
      ...{ netns: Number(netns), counter, counted },
      explained: sums.reduce((sum, { count }) => sum + count, 0),
      meaning: words?.meaning ?? 'a counter that is not known here',
      toDo: words?.toDo ?? null,
      causes: sums.map(causeReport),
    };
  }
}

function held<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const found = map.get(key) ?? make();
  map.set(key, found);
  return found;
}

function causeReport({ cause, text, count, flows }: Sum): CauseReport {
  const most = [...flows].sort((a, b) => b[1] - a[1]).slice(0, MOST_WHO);
  const who = most.map(([flow, times]) => ({ flow, count: times }));
  return { cause, text, count, who, others: count - who.reduce((sum, one) => sum + one.count, 0) };
}

function byPlace(a: CounterCauses, b: CounterCauses): number {
  return a.netns - b.netns || b.explained - a.explained || (a.counter < b.counter ? -1 : 1);
}

/** Several lines, each namespace under its name. Ends with a newline. */
export function causesText(
  reports: readonly CounterCauses[],
  name: (netns: number) => string,
): string {
  const lines = reports.flatMap((one, index) => [
    ...(reports[index - 1]?.netns === one.netns ? [] : [`${name(one.netns)}:`]),
    `  ${one.counter}: ${countedText(one)}: ${one.meaning}`,
    ...one.causes.map((cause) => `    ${causeText(cause)}`),
    ...(one.toDo === null ? [] : [`    to do: ${one.toDo}`]),
  ]);
  return lines.length === 0
    ? 'no counter of conntrack -S moved during the trace\n'
    : `${lines.join('\n')}\n`;
}

function countedText({ counted, explained }: CounterCauses): string {
  if (counted === null) return `${explained} seen, the kernel's own count was not read`;
  return counted === explained
    ? `${counted} counted, all explained`
    : `${counted} counted, ${explained} explained`;
}

function causeText({ cause, text, count, who, others }: CauseReport): string {
  const said = text === null ? '' : ` "${text}"`;
  const flows = who.map(({ flow, count: times }) => `${times} by ${flow}`);
  const more = others === 0 ? [] : [`${others} by others`];
  return `${count} ${cause}${said}: ${[...flows, ...more].join(', ')}`;
}
