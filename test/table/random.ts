/** Numbers that look random and are the same with each run. */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed;
  }

  /** A whole number below `most`. */
  below(most: number): number {
    this.state = (Math.imul(this.state, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.state / 2 ** 32) * most);
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }
}
