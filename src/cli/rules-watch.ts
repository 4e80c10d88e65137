/**
 * Readings of the loaded rules while a trace runs: at its start, at its end,
 * and soon after rules have changed. Taken in a thread of their own.
 */
import { Worker } from 'node:worker_threads';
import { workerPath } from '../export/worker-path.ts';
import type { Ruleset } from '../model/ruleset.ts';

/** A reading costs processes: changes in a row wait for one, and readings take a tenth of the time. */
const BETWEEN_READINGS_MS = 300;
const TIMES_A_READING = 9;
/** Where rules change all the time, the first readings and the last ones are kept. */
const MOST_RULESETS = 256;

export class RulesWatch {
  /** In the order in which they were taken. */
  readonly readings: Ruleset[] = [];
  private readonly worker: Worker;
  private reading: Promise<void> | undefined;
  private lastMs = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor() {
    this.worker = new Worker(workerPath('../cli/rules-worker'));
    this.worker.unref();
  }

  /** A reading from now on; one that is under way may have come too early, and is waited for. */
  async read(): Promise<void> {
    await this.reading;
    this.reading = this.take();
    await this.reading;
  }

  /** Rules have changed: they are read soon, many changes in a row once. */
  changed(): void {
    this.timer ??= setTimeout(
      () => {
        this.timer = undefined;
        this.read().catch(() => undefined); // the reading at the end will say why
      },
      Math.max(BETWEEN_READINGS_MS, this.lastMs * TIMES_A_READING),
    );
  }

  async close(): Promise<void> {
    clearTimeout(this.timer);
    await this.reading?.catch(() => undefined);
    await this.worker.terminate();
  }

  private async take(): Promise<void> {
    const { worker } = this;
    const begunMs = performance.now();
    const rulesets = await new Promise<Ruleset[]>((resolve, reject) => {
      const settle = (done: () => void): void => {
        worker.removeAllListeners('message').removeAllListeners('error');
        done();
      };
      worker.once('message', (read: Ruleset[]) => settle(() => resolve(read)));
      worker.once('error', (error) => settle(() => reject(error)));
      worker.postMessage(null);
    });
    this.lastMs = performance.now() - begunMs;
    this.readings.push(...rulesets);
    const spare = this.readings.length - MOST_RULESETS;
    if (spare > 0) this.readings.splice(MOST_RULESETS / 2, spare);
  }
}
