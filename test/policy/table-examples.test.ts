/** Examples of help texts, pasted as they stand into a shell, one after the other. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { conntrail, examplesIn } from './conntrail.ts';
import { ROOT } from './sources.ts';
import { cannotRun, TestNetns } from './table-netns.ts';

const folder = mkdtempSync(join(tmpdir(), 'conntrail-examples-'));
let netns: TestNetns;

beforeAll(() => {
  if (cannotRun === undefined) netns = new TestNetns();
});

beforeEach((context) => {
  if (cannotRun !== undefined) context.skip(cannotRun);
});

afterAll(() => {
  if (cannotRun === undefined) netns.remove();
  rmSync(folder, { recursive: true });
});

/** As a shell in the namespace runs it; nobody answers questions. */
function pasted(line: string): { status: number | null; stderr: string } {
  const program = `conntrail() { "${process.execPath}" "${ROOT}dist/cli/main.js" "$@"; }`;
  const command = ['netns', 'exec', netns.name, 'bash', '-c', `${program}; ${line}`];
  return spawnSync('ip', command, { cwd: folder, encoding: 'utf8', input: '' });
}

/** What needs a trace, or what an entry of its own that no other example makes. */
const OF_ITS_OWN = / --from | --dport 4789$| --state TIME_WAIT --yes$/;

describe('the examples in the help of', () => {
  // in this order: what insert makes is got, changed, saved and deleted
  it.each([
    ...['insert', 'get', 'count', 'list', 'update', 'save', 'stats', 'explain'],
    ...['delete', 'flush', 'restore'],
  ])(
    'table %s end with 0',
    (name) => {
      const examples = examplesIn(conntrail(['table', name, '--help']).stdout);
      const here = examples.filter((line) => !OF_ITS_OWN.test(line));
      expect(here.length).toBeGreaterThan(0);
      for (const line of here) {
        const { status, stderr } = pasted(line.replace('--interval 5s', '--interval 1ms'));
        expect(status, `${line}: ${stderr}`).toBe(0);
      }
    },
    60_000,
  );
});
