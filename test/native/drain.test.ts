/** Runs each test of native/test as one of ours. */
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { make, root } from './build.ts';

const program = 'build/native/drain_test';
make(program);
const names = execFileSync(join(root, program), ['--list'], { encoding: 'utf8' });

describe('drain in C', () => {
  // three threads on two cores that others use as well: the default time is too short
  it.each(names.trim().split('\n'))('%s', { timeout: 60_000 }, (name) => {
    const run = spawnSync(join(root, program), [name], { encoding: 'utf8' });
    expect(run.stderr).toBe('');
    expect(run.status).toBe(0);
  });
});

/* Fewer records: each access costs tens of times more under a sanitizer. */
describe.each(['address', 'thread'])('drain in C under the %s sanitizer', (sanitizer) => {
  it('has nothing to report', { timeout: 120_000 }, () => {
    const checked = `${program}_${sanitizer}`;
    make(checked);
    const env = { ...process.env, DRAIN_TEST_RECORDS: '100000' };
    const run = spawnSync(join(root, checked), [], { encoding: 'utf8', env });
    expect(run.stderr).toBe('');
    expect(run.stdout).toBe(names);
    expect(run.status).toBe(0);
  });
});
