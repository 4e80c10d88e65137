/** The commands that `table explain` prints for a line of `conntrack -L`: of that entry alone. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ROOT } from './sources.ts';
import { cannotRun, TestNetns, timeless } from './table-netns.ts';

let netns: TestNetns;
beforeAll(() => {
  if (cannotRun === undefined) netns = new TestNetns();
});
beforeEach((context) => {
  if (cannotRun !== undefined) context.skip(cannotRun);
  netns.conntrack('-F');
});
afterAll(() => {
  if (cannotRun === undefined) netns.remove();
});

const ENDS = '-s 10.0.0.1 -d 10.0.0.2 -t 1000';
const UDP = `-p udp ${ENDS} --sport 1001 --dport 53`;
const listed = (): string[] => timeless(netns.conntrack('-L').stdout);

/** In the namespace, by the shell of whoever pastes it. */
function run(command: string): string {
  const [tool = '', ...rest] = command.split(' ');
  if (tool !== 'conntrail') return netns.run(tool, rest);
  return netns.run(process.execPath, [`${ROOT}dist/cli/main.js`, ...rest]);
}

describe('the commands that explain prints', () => {
  it.each([
    ['keys of GRE', [5, 6].map((key) => `-p gre ${ENDS} --srckey ${key} --dstkey 9`)],
    [
      'type, code and identifier of ICMP',
      ['8 0 33', '8 0 34', '8 1 33', '13 0 33'].map((numbers) => {
        const [type, code, id] = numbers.split(' ');
        return `-p icmp ${ENDS} --icmp-type ${type} --icmp-code ${code} --icmp-id ${id}`;
      }),
    ],
    [
      'zones, also one that is not told',
      [UDP, `${UDP} -w 5`, `${UDP} --orig-zone 6 -q 9.9.9.9 --reply-port-src 53`],
    ],
    [
      'addresses, where the kernel has no tracker',
      [`-p dccp ${ENDS} --sport 5 --dport 6 --state OPEN --role client`, UDP],
    ],
    ['a mapping', [UDP.replace('1001', '1002'), `${UDP} --src-nat 9.9.9.9:77`]],
  ])('name one entry alone: %s', (_, entries) => {
    const insert = (): void => {
      for (const entry of entries) {
        // ours refuses ports that the kernel would not keep; conntrack does not look
        if (entry.startsWith('-p dccp')) netns.conntrack('-I', ...entry.split(' '));
        else netns.table('insert', ...entry.split(' '));
      }
    };
    insert();
    const all = listed();
    expect(all).toHaveLength(entries.length);
    for (const line of all) {
      const { look, delete: gone } = explained(line);
      expect(timeless(run(look)), look).toEqual([line]);
      run(gone);
      expect(listed(), gone).toEqual(all.filter((other) => other !== line));
      insert();
      expect(listed()).toEqual(all);
    }
  });
});

function explained(line: string): { look: string; delete: string } {
  const out = netns.run(process.execPath, [
    `${ROOT}dist/cli/main.js`,
    ...['table', 'explain', '--json', line.replace(' T ', ' 999 ')],
  ]);
  return (JSON.parse(out) as { explained: { look: string; delete: string }[] }).explained[0]!;
}
