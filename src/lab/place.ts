/** Where this package is installed, and what of it the lab uses. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** src/lab and dist/lab lie two folders below it, what the bench is built to four. */
export const PACKAGE_ROOT = packageRoot(dirname(fileURLToPath(import.meta.url)));

function packageRoot(folder: string): string {
  const isRoot = existsSync(join(folder, 'package.json')) || folder === dirname(folder);
  return isRoot ? folder : packageRoot(dirname(folder));
}

export const GUEST_FOLDER = join(PACKAGE_ROOT, 'src/lab/guest');
export const SCENARIO_FOLDER = join(PACKAGE_ROOT, 'src/lab/scenarios');
export const MAIN_SCRIPT = join(PACKAGE_ROOT, 'dist/cli/main.js');
/** Answers for a queue of NFQUEUE: src/lab/guest/queue.c. */
export const QUEUE_PROGRAM = join(PACKAGE_ROOT, 'build/lab-queue');
export const RACE_SCRIPT = join(PACKAGE_ROOT, 'dist/lab/race-end.js');
