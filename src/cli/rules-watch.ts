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
/** Where rules change all the time, the first readings and the last ones are kept. */
const MOST_RULESETS = 256;

export class RulesWatch {
  /** In the order in which they were taken. */
  readonly readings: Ruleset[] = [];
  /** What could not be read, one line each. */
  readonly notes = new Set<string>();
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
    this.reading = this.reading.then(() => this.take(null));
    return this.reading;
  }

  /** Rules of these namespaces have changed: they are read soon, many changes in a row once. */
  changed(namespaces: readonly number[]): void {
    for (const netns of namespaces) this.changedNetns.add(netns);
    if (this.changedNetns.size === 0 || this.timer !== undefined) return;
    const waitMs = Math.max(BETWEEN_READINGS_MS, this.lastMs * TIMES_A_READING);
    this.timer = setTimeout(() => {
      this.timer = undefined;
      const wanted = [...this.changedNetns];
      this.changedNetns.clear();
      this.reading = this.reading.then(() => this.take(wanted));
      this.reading.catch(() => undefined); // the reading at the end meets it, too
    }, waitMs);
  }

  async close(): Promise<void> {
    clearTimeout(this.timer);
    await this.reading.catch(() => undefined);
    await this.worker.terminate();
  }

  private async take(wanted: RulesWanted): Promise<void> {
    const begunMs = performance.now();
    const { rulesets, notes } = await this.ask(wanted);
    this.lastMs = performance.now() - begunMs;
    this.readings.push(...rulesets);
    for (const note of notes) this.notes.add(note);
    const spare = this.readings.length - MOST_RULESETS;
    if (spare > 0) this.readings.splice(MOST_RULESETS / 2, spare);
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
