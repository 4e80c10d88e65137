/** What `conntrail explain --json` prints, as far as it is compared. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';

export interface Told {
  readonly cause: string;
  readonly packets: number | null;
  readonly next: string;
}

export interface Explained {
  readonly rules: readonly {
    readonly name: string;
    readonly netns: number;
    readonly text: string;
    readonly removedAt: string | null;
    readonly counter: { readonly delta: number; readonly why: string } | null;
    readonly couldMatch: number;
    readonly certainty: string;
    readonly decided: { readonly packets: number };
    readonly causes: readonly Told[];
    readonly notes: readonly Told[];
    readonly paths: readonly { readonly path: readonly string[]; readonly packets: number }[];
  }[];
}

/** Of a trace that is complete, if nothing else is said. */
export function explain(place: string, exitStatus = 0, lastWords = 'none lost'): Explained {
  const program = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [program, 'explain', '--from', place, '--json'],
    { encoding: 'utf8', maxBuffer: 1 << 28 },
  );
  expect([status, stderr]).toEqual([exitStatus, expect.stringContaining(lastWords)]);
  return JSON.parse(stdout) as Explained;
}
