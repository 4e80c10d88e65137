/** How much of what `conntrack -S` counts the rows of `failures` explain. */
import type { CounterCount } from '../model/accounted.ts';
import { Shift, Word } from '../wire/words.ts';

export class FailureCounts {
  private readonly counts = new Map<string, number>();

  /** `words`: a RECORD_FAILURE; `counters`: what it moved. */
  add(words: Int32Array, counters: readonly string[]): void {
    const cpu = (words[Word.cpu]! >>> Shift.cpu) & 0xffff;
    for (const counter of counters) {
      const key = `${words[Word.netns]! >>> 0} ${cpu} ${counter}`;
      this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
    }
  }

  get all(): CounterCount[] {
    return [...this.counts].map(([key, count]) => {
      const [netns = '', cpu = '', counter = ''] = key.split(' ');
      return { netns: Number(netns), cpu: Number(cpu), counter, count };
    });
  }
}
