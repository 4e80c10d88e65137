import { spawnSync } from 'node:child_process';
import { ROOT } from './sources.ts';

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built program to its end, as a user would start it. */
export function conntrail(
  args: readonly string[],
  through: readonly string[] = [],
  timeoutMs = 60_000,
): Ended {
  const [file, ...rest] = [...through, process.execPath, `${ROOT}dist/cli/main.js`, ...args] as [
    string,
    ...string[],
  ];
  const { status, stdout, stderr } = spawnSync(file, rest, {
    encoding: 'utf8',
    timeout: timeoutMs,
    env: { ...process.env, CONNTRAIL_DEBUG: '' },
  });
  return { status, stdout, stderr };
}

/** The lines below `Examples:` in a help text, without the prompt and what follows in a column. */
export function examplesIn(help: string): string[] {
  const [, examples = ''] = help.split('\nExamples:\n');
  return examples
    .split('\n')
    .map((line) => line.trim().replace(/^\$ /, '').split(/ {2,}/)[0]!)
    .filter((line) => line.startsWith('conntrail '));
}
