import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** Makes a target of the Makefile; what is up to date costs nothing. */
export function make(target: string): void {
  execFileSync('make', ['-s', target], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
}
