/** Labels by name: filtered, shown and changed, held against conntrack(8) as sets. */
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from './sources.ts';
import { cannotRun, TestNetns, timeless } from './table-netns.ts';

const PATIENCE_MS = 60_000;
const COUNT = 256;
/** Bits of several words, of which the last has no name; below are what the library takes for none. */
const NAMES =
  '# names\n0 web\n1 mail\n0x1f deep\n0100far\n126 the  edge \n1 taken\n2 web\n127 no_name\n127 last # one\n';
const BITS = [0, 1, 31, 64, 126, 127] as const;

let netns: TestNetns;
beforeAll(() => {
  if (cannotRun !== undefined) return;
  netns = new TestNetns();
  const told = netns.tableOf(Array.from({ length: COUNT }, lineOf).join(''), 'restore', '-');
  expect(told).toBe(`${COUNT} of ${COUNT} entries restored, 0 were there\n`);
}, PATIENCE_MS);
afterAll(() => {
  if (cannotRun === undefined) netns.remove();
});

/** Each set of labels that there is, several times, with and without a helper. */
function lineOf(_: unknown, index: number): string {
  const labels = BITS.filter((_, bit) => (index >>> bit) & 1);
  const name = `-A -t ${2000 + index} -u SEEN_REPLY -s 10.4.0.${index} -d 10.5.0.1 --sport ${index + 1}`;
  const kind = index % 3 === 0 ? '-p udp --dport 69' : '-p tcp --dport 21 --state ESTABLISHED';
  const helper = index % 5 === 0 ? ` --helper ${index % 3 === 0 ? 'tftp' : 'ftp'}` : '';
  return `${name} ${kind}${labels.length === 0 ? '' : ` --label-add ${labels.join()}`}${helper}\n`;
}

/** Both with the names: in a mount namespace that has nothing else in /etc. */
function named(command: readonly string[]): {
  stdout: string;
  stderr: string;
  status: number | null;
} {
  const script =
    'mount -t tmpfs none /etc && mkdir /etc/xtables && cat > /etc/xtables/connlabel.conf && exec "$@"';
  return spawnSync('unshare', ['-m', 'sh', '-c', script, 'sh', ...command], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH },
    input: NAMES,
    maxBuffer: 1 << 26,
  });
}

/** A name may have blanks. */
const words = (text: string): string[] => text.split(' ').map((word) => word.replace('__', '  '));
const theirs = (args: string) =>
  named(['nsenter', `--net=/run/netns/${netns.name}`, 'conntrack', ...words(args)]);
const ours = (args: string) => {
  const [sub = '', ...rest] = words(args);
  const main = [process.execPath, `${ROOT}dist/cli/main.js`, 'table'];
  return named([...main, sub, '--netns', netns.name, ...rest]);
};

/** Where there are no names at all. */
function nameless(...args: readonly string[]): { stdout: string; stderr: string } {
  const [sub = '', ...rest] = args;
  const main = [process.execPath, `${ROOT}dist/cli/main.js`, 'table'];
  const script = 'mount -t tmpfs none /etc && exec "$@"';
  const command = [...main, sub, '--netns', netns.name, ...rest];
  return spawnSync('unshare', ['-m', 'sh', '-c', script, 'sh', ...command], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH },
  });
}

describe('table list by labels', () => {
  it.each([
    ['-l web', 128],
    ['-l deep', 128],
    ['-l the__edge', 128],
    ['-l web,far', 64],
    ['-l web -l far', 64],
    ['--label mail -l far,the__edge -l web', 16],
    ['-l web -p tcp', 85],
    ['-p udp -l mail -o extended', 43],
    ['-l deep -o labels', 128],
    ['-o labels', 256],
    ['-o labels,id,extended -l web,mail,deep,far,the__edge', 8],
    ['-o xml,labels -l far', 128],
  ])(
    'lists as conntrack -L %s',
    (args, count) => {
      if (cannotRun !== undefined) return;
      const wanted = timeless(theirs(`-L ${args}`).stdout);
      const found = ours(`list ${args}`);
      expect(found).toMatchObject({ status: 0, stderr: '' });
      expect(timeless(found.stdout)).toEqual(wanted);
      const xml = args.includes('xml') ? 3 : 0;
      expect(wanted).toHaveLength(count + xml);
    },
    PATIENCE_MS,
  );

  it('shows in columns the names, and the bits of those that have none', (context) => {
    if (cannotRun !== undefined) context.skip(cannotRun);
    const found = ours('list -l web,mail,127 -o columns').stdout.split('\n').slice(1, -1);
    expect(found).toHaveLength(32);
    for (const line of found) {
      expect(line).toMatch(
        /(^| {2})(helper t?ftp; )?labels web,mail,(deep,)?(far,)?(the {2}edge,)?127$/,
      );
    }
  });

  it('says that nothing has a name where there are no names', (context) => {
    if (cannotRun !== undefined) context.skip(cannotRun);
    for (const form of ['labels', 'xml,labels']) {
      const { stdout, stderr } = nameless('list', '-o', form);
      expect(stderr).toMatch(
        /^conntrail: labels have no names: \S+connlabel.conf is not there[^\n]*\n {2}try: -o columns or -o json[^\n]*\n$/,
      );
      expect(stdout).not.toContain('label');
    }
    expect(nameless('list', '-o', 'extended').stderr).toBe('');
    const columns = nameless('list', '-o', 'columns').stdout;
    expect(columns.match(/labels 0,1,31,64,126,127$/gm)).toHaveLength(4);
  });

  it('knows labels without names by their bits, and refuses what is neither', (context) => {
    if (cannotRun !== undefined) context.skip(cannotRun);
    expect(ours('count -l 127').stdout).toBe('128\n');
    expect(ours('count -l 127,web').stdout).toBe('64\n');
    const refused = ours('list -l nobody');
    expect(refused.stderr).toMatch(
      /^conntrail: --label: found "nobody", needed names of connlabel/,
    );
    expect(refused.status).toBe(2);
    for (const name of ['nobody', 'taken', 'no_name', 'last', 'edge', '#']) {
      expect(ours(`list -l ${name}`).stderr, name).toContain(
        `--label: found "${name}", needed names`,
      );
      expect(theirs(`-L -l ${name}`).stderr, name).toContain(`unknown label '${name}'`);
    }
  });

  it('adds and takes away by name what conntrack -U does', (context) => {
    if (cannotRun !== undefined) context.skip(cannotRun);
    const listed = () => timeless(theirs('-L -o labels').stdout);
    const before = listed();
    const one = '-s 10.4.0.0 -p udp --dport 69 --sport 1';
    const steps = ['--label-add web', '--label-add mail,far', '--label-del far', '--label-del'];
    const run = (update: (args: string) => unknown) =>
      steps.map((step) => {
        update(`${one} ${step}`);
        return listed().filter((line) => line.includes('src=10.4.0.0 '));
      });
    const wanted = run((args) => theirs(`-U ${args}`));
    expect(listed()).toEqual(before);
    expect(run((args) => ours(`update ${args}`))).toEqual(wanted);
    expect(wanted.map(([line]) => /labels=(\S+)/.exec(line ?? '')?.[1])).toEqual([
      ...['web', 'web,mail,far', 'web,mail', undefined],
    ]);
  });
});
