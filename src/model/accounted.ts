/** What `conntrack -S` counted during a trace, beside the rows of `failures` that explain it. */
import { EXPLAINED } from './failure-codes.ts';

/** One counter of one namespace on one CPU. */
export interface CounterCount {
  readonly netns: number;
  readonly cpu: number;
  /** As `conntrack -S` names it. */
  readonly counter: string;
  readonly count: number;
}

export interface AccountedCounter {
  readonly netns: number;
  readonly cpu: number;
  readonly counter: string;
  /** By how much the kernel's counter moved. */
  readonly counted: number;
  /** Rows of `failures` that add to it. */
  readonly explained: number;
}

/** `netns`: the namespaces whose counters were read; of others nothing can be said. */
export function accountFor(
  netns: readonly number[],
  moved: readonly CounterCount[],
  found: readonly CounterCount[],
): AccountedCounter[] {
  const read = new Set(netns);
  const known = new Set<string>(EXPLAINED);
  const all = new Map<string, AccountedCounter>();
  const add = (one: CounterCount, counted: number, explained: number): void => {
    if (!read.has(one.netns) || !known.has(one.counter)) return;
    const key = `${one.netns} ${one.cpu} ${one.counter}`;
    const before = all.get(key) ?? { ...placeOf(one), counted: 0, explained: 0 };
    all.set(key, {
      ...before,
      counted: before.counted + counted,
      explained: before.explained + explained,
    });
  };
  for (const one of moved) add(one, one.count, 0);
  for (const one of found) add(one, 0, one.count);
  return [...all.values()];
}

function placeOf({ netns, cpu, counter }: CounterCount): Omit<CounterCount, 'count'> {
  return { netns, cpu, counter };
}

/** `router: 3 of 5 invalid (cpu 0)`, for each counter that is not explained to the last one. */
export function describeUnexplained(
  counters: readonly AccountedCounter[],
  netnsName: (inode: number) => string,
): string[] {
  return counters
    .filter(({ counted, explained }) => counted !== explained)
    .map(
      ({ netns, cpu, counter, counted, explained }) =>
        `${netnsName(netns)}: ${explained} of ${counted} ${counter} (cpu ${cpu})`,
    );
}
