/**
 * Readings of the loaded rules while a trace runs: at its start, at its end,
 * and soon after rules have changed. Taken in a thread of their own.
 */
import { Worker } from 'node:worker_threads';
import { workerPath } from '../export/worker-path.ts';
import type { Ruleset } from '../model/ruleset.ts';
import type { RulesRead, RulesWanted } from './rules-worker.ts';

/** A reading costs processes: changes in a row wait for one, and readings take a tenth of the time. */
const BETWEEN_READINGS_MS = 300;
const TIMES_A_READING = 9;
/** Where rules change all the time, the first readings and the last ones are kept; bytes as JSON. */
const MOST_RULESETS = 256;
const MOST_BYTES = 1 << 25;

const LEFT_OUT =
  'rules changed so often that readings of them were left out: some rules have no text\n';

export class RulesWatch {
  /** In the order in which they were taken. */
  readonly readings: Ruleset[] = [];
  /** What could not be read, one line each. */
  readonly notes = new Set<string>();
  /** Bytes of each reading. */
  private readonly sizes: number[] = [];
  private isAnywhere = false;
  private readonly worker: Worker;
  private readonly changedNetns = new Set<number>();
  private reading: Promise<void> = Promise.resolve();
  private lastMs = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor() {
    this.worker = new Worker(workerPath('../cli/rules-worker'));
    this.worker.unref();
  }

  /** Reads all namespaces. One reading after the other: one under way may have come too early. */
  read(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.reading = this.reading.then(() => this.take(null));
    return this.reading;
  }

  /** Rules of these namespaces have changed: they are read soon, many changes in a row once. */
  changed(namespaces: readonly number[]): void {
    for (const netns of namespaces) this.changedNetns.add(netns);
    if ((this.changedNetns.size === 0 && !this.isAnywhere) || this.timer !== undefined) return;
    const waitMs = Math.max(BETWEEN_READINGS_MS, this.lastMs * TIMES_A_READING);
    this.timer = setTimeout(() => {
      this.timer = undefined;
      const wanted = this.isAnywhere ? null : [...this.changedNetns];
      this.isAnywhere = false;
      this.changedNetns.clear();
      this.reading = this.reading.then(() => this.take(wanted));
      this.reading.catch(() => undefined); // the reading at the end meets it, too
    }, waitMs);
  }

  /** The same of all namespaces: nobody saw which. */
  changedAnywhere(): void {
    this.isAnywhere = true;
    this.changed([]);
  }

  async close(): Promise<void> {
    clearTimeout(this.timer);
    await this.reading.catch(() => undefined);
    await this.worker.terminate();
  }

  private async take(wanted: RulesWanted): Promise<void> {
    const begunMs = performance.now();
    const { rulesets, sizes, notes } = await this.ask(wanted);
    this.lastMs = performance.now() - begunMs;
    this.readings.push(...rulesets);
    this.sizes.push(...sizes);
    for (const note of notes) this.notes.add(note);
    this.leaveOut();
  }

  private leaveOut(): void {
    const { readings, sizes } = this;
    let bytes = sizes.reduce((sum, size) => sum + size, 0);
    while (readings.length > 2 && (readings.length > MOST_RULESETS || bytes > MOST_BYTES)) {
      const middle = readings.length >> 1;
      bytes -= sizes[middle]!;
      readings.splice(middle, 1);
      sizes.splice(middle, 1);
      this.notes.add(LEFT_OUT);
    }
  }

  private ask(wanted: RulesWanted): Promise<RulesRead> {
    const { worker } = this;
    return new Promise((resolve, reject) => {
      const settle = (done: () => void): void => {
        worker.removeAllListeners('message').removeAllListeners('error');
        done();
      };
      worker.once('message', (read: RulesRead) => settle(() => resolve(read)));
      worker.once('error', (error) => settle(() => reject(error)));
      worker.postMessage(wanted);
    });
  }
}
