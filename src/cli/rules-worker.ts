/** A thread that reads rules: the tools of the backends take their time, and rings do not wait. */
import { parentPort } from 'node:worker_threads';

parentPort?.on('message', () => {
  parentPort?.postMessage([]);
});
