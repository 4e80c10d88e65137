/** Where this package is installed, and what of it the lab uses. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Both src/lab and dist/lab lie two folders below it. */
export const PACKAGE_ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const GUEST_FOLDER = join(PACKAGE_ROOT, 'src/lab/guest');
export const SCENARIO_FOLDER = join(PACKAGE_ROOT, 'src/lab/scenarios');
export const MAIN_SCRIPT = join(PACKAGE_ROOT, 'dist/cli/main.js');
export const RACE_SCRIPT = join(PACKAGE_ROOT, 'dist/lab/race-end.js');
