/** The commands on the conntrack table that the README shows, run as they stand there. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ROOT } from './sources.ts';
import { cannotRun, TestNetns, timeless } from './table-netns.ts';

const [, section = ''] = readFileSync(`${ROOT}README.md`, 'utf8').split(
  '### The conntrack table\n',
);
const block = /^\n```\n(.*?)```/s.exec(section)?.[1] ?? '';
const commands = block
  .trim()
  .split('\n')
  .map((line) => line.split(/ +# /)[0]!);
const folder = mkdtempSync(join(tmpdir(), 'conntrail-readme-'));
const netns = cannotRun === undefined ? new TestNetns() : undefined;
afterAll(() => {
  netns?.remove();
  rmSync(folder, { recursive: true });
});

const ENTRIES = [
  '-p tcp -s 10.0.0.1 -d 10.0.0.2 --sport 5001 --dport 80 -t 900 --state ESTABLISHED -n 9.9.9.9',
  '-p udp -s 10.0.0.3 -d 10.0.0.4 --sport 5002 --dport 4789 -t 901',
  '-p udp -s 10.0.0.5 -d 10.0.0.6 --sport 5003 --dport 4789 -t 902',
];

describe('the README', () => {
  it('has commands on the table, of the program alone', () => {
    expect(commands.length).toBeGreaterThan(5);
    for (const command of commands) expect(command).toMatch(/^npx conntrail table \w+/);
  });

  it('shows commands that work', (context) => {
    if (netns === undefined) return context.skip(cannotRun);
    for (const entry of ENTRIES) netns.conntrack('-I', ...entry.split(' '));
    const before = timeless(netns.conntrack('-L').stdout);
    expect(before).toHaveLength(ENTRIES.length);
    const printed = commands.map((command) => {
      const ours = command.replaceAll(
        'npx conntrail',
        `${process.execPath} ${ROOT}dist/cli/main.js`,
      );
      return netns.run('sh', ['-ec', `cd ${folder}; ${ours}`]);
    });
    expect(printed[0]).toContain('dport=80');
    expect(printed.at(-1)?.match(/^line /gm)).toHaveLength(ENTRIES.length);
    // deleted, and brought back
    expect(timeless(netns.conntrack('-L').stdout)).toEqual(before);
  });
});
