/** What `conntrail table` answers where the kernel says no, or says nothing, held against conntrack(8). */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hasTool } from '../../src/kernel/tool.ts';
import { LABELS_RULE } from '../../src/table/refusal.ts';
import { conntrail } from './conntrail.ts';
import { ROOT } from './sources.ts';
import { cannotRun, TestNetns, timeless } from './table-netns.ts';

const MAIN = `${ROOT}dist/cli/main.js`;
const folder = mkdtempSync(join(tmpdir(), 'conntrail-answers-'));
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
  rmSync(folder, { recursive: true });
});

const words = (text: string): string[] => text.split(' ');
const listed = (...args: readonly string[]): string[] =>
  timeless(netns.conntrack('-L', ...args).stdout);
const insert = (text: string) => netns.table('insert', ...words(text));
const update = (text: string) => netns.table('update', ...words(text));

const UDP = '-p udp -s 10.0.0.1 -d 10.0.0.2 --sport 1001 --dport 53 -t 1000';
const TCP = '-p tcp -s 10.0.0.3 -d 10.0.0.2 --sport 1002 --dport 21 -t 1000 --state ESTABLISHED';

describe('a status', () => {
  /** How many entries conntrack -U says it has changed. */
  const theirs = (status: string): string | undefined =>
    /(\d+) flow entries have been updated/.exec(
      netns.conntrack(...words(`-U -p tcp -s 10.0.0.3 -u ${status}`)).stderr,
    )?.[1];

  it('that is so already is not told as a change', () => {
    insert(`${TCP} -u seen_reply,assured`);
    expect(listed()).toEqual([expect.stringContaining('[ASSURED]')]);
    expect(theirs('ASSURED')).toBe('0');
    const again = update('-p tcp -u assured');
    expect(again).toMatchObject({ status: 0, stderr: '0 of 1 updated, 1 was so already\n' });
    insert(TCP.replace('10.0.0.3', '10.0.0.4'));
    expect(update('-p tcp -u ASSURED,SEEN_REPLY --yes').stderr).toBe(
      '1 of 2 updated, 1 was so already\n',
    );
    expect(listed('-u', 'ASSURED')).toHaveLength(2);
  });

  it('that the kernel takes back or sets for nobody is refused', () => {
    insert(`${TCP} -u SEEN_REPLY,ASSURED`);
    const before = listed();
    expect(theirs('UNSET')).toBe('0');
    netns.conntrack(...words('-U -p tcp -s 10.0.0.3 -u OFFLOAD'));
    expect(listed()).toEqual(before); // though conntrack says that it has
    for (const status of ['UNSET', 'OFFLOAD']) {
      const refused = update(`-p tcp -u ${status}`);
      expect(refused.status).toBe(2);
      expect(refused.stderr).toContain(`--status: found "${status}", needed some of SEEN_REPLY,`);
    }
    expect(insert(`${UDP} -u OFFLOAD`).status).toBe(2);
    expect(listed()).toEqual(before);
  });
});

describe('what the kernel refuses', () => {
  const leftS = (): number => Number(/^\S+ +\d+ (\d+) /.exec(netns.conntrack('-L').stdout)?.[1]);

  it('of a timeout that is fixed is not for want of privileges', () => {
    insert(`${UDP} -u FIXED_TIMEOUT`);
    const refused = update('-p udp -t 5');
    expect(refused.status).toBe(1);
    expect(refused.stderr).toMatch(/^0 of 1 updated\nconntrail: update: 1 refused: its timeout is/);
    expect(leftS()).toBeGreaterThan(500);
  });

  it('of helpers is said', () => {
    insert(TCP);
    expect(update('-p tcp --helper ftp').stderr).toContain('the entry was made without a helper');
    insert(`${TCP.replace('10.0.0.3', '10.0.0.4')} --helper ftp`);
    expect(update('-p tcp -s 10.0.0.4 --helper ftp').stderr).toMatch(/^0 of 1 updated, 1 was so/);
    const none = insert(`${UDP} --helper ftp`);
    expect(none.status).toBe(1);
    expect(none.stderr).toContain('no helper of that name is loaded for its protocol (EOPNOTSUPP)');
    // that of ftp is loaded, for tcp: loading it again would not help
    expect(none.stderr).toContain('\n  try: one of its helpers: amanda, netbios-ns, ');
  });

  it('of ICMP and of zones is said', () => {
    const icmp = insert('-p icmp -s 10.0.0.1 -d 10.0.0.2 --icmp-type 3 -t 30');
    expect(icmp.stderr).toContain('ICMP for queries and their answers only');
    expect(insert(`${UDP} -w 5 --orig-zone 6`).stderr).toContain('an entry has one zone');
    expect(listed()).toEqual([]);
  });
});

describe('whoever may not list', () => {
  const nobody = ['--reuid', '65534', '--regid', '65534', '--clear-groups', process.execPath, MAIN];

  it.each(['t.parquet', 't.arrow'])('gets an end and no file: --out %s', (name) => {
    const out = join(mkdtempSync(join(folder, 'nobody-')), name);
    chmodSync(folder, 0o755);
    chmodSync(dirname(out), 0o777);
    const ended = spawnSync('setpriv', [...nobody, 'table', 'list', '--out', out], {
      encoding: 'utf8',
      timeout: 30_000,
    });
    expect(ended.signal).toBeNull();
    expect(ended.status).toBe(1);
    expect(ended.stderr).toMatch(/^conntrail: .*EPERM.*\n(?: {2}try: .*\n)?$/);
    expect(readdirSync(dirname(out))).toEqual([]);
  });
});

it('an update by whoever may not change entries ends, and is told', () => {
  const script = `
    import { ConntrackSocket } from '${ROOT}dist/libbpf/conntrack-socket.js';
    import { rowsOf } from '${ROOT}dist/cli/table-change-run.js';
    import { namedRow } from '${ROOT}dist/table/entry-build.js';
    const name = { protonum: 'udp', origSrc: '10.0.0.1', origDst: '10.0.0.2', dport: '53' };
    const rows = rowsOf(['1', '2'].map((sport) => namedRow({ ...name, sport })));
    const socket = ConntrackSocket.open({});
    try {
      console.log(socket.change('update', rows).join());
    } catch (error) {
      console.log(error.message);
    }
    await socket.close();`;
  const nobody = ['--reuid', '65534', '--regid', '65534', '--clear-groups', process.execPath];
  const ended = spawnSync('setpriv', [...nobody, '--input-type=module', '-e', script], {
    encoding: 'utf8',
    timeout: 30_000,
  });
  expect(ended.signal).toBeNull();
  expect(ended.stdout).toContain('EPERM');
});

describe('a protocol that the kernel has no tracker of', () => {
  const DCCP = '-p dccp -s 10.0.0.1 -d 10.0.0.2 -t 1000';
  const PORTED = `${DCCP} --sport 5 --dport 6 --state OPEN --role client`;

  it('has no entry with ports, and none is left in its place', (context) => {
    netns.conntrack('-I', ...words(PORTED));
    const theirs = listed();
    netns.conntrack('-F');
    if (theirs.join().includes('sport=5')) context.skip('this kernel tracks DCCP');
    const { status, stderr } = insert(PORTED);
    expect(stderr).toContain('insert: nothing inserted: this kernel has no tracker of dccp');
    expect(status).toBe(1);
    expect(listed()).toEqual([]);
    expect(insert(`${DCCP} --sport 0 --dport 0`)).toMatchObject({ status: 0 });
    expect(listed()).toEqual(theirs);
  });
});

describe('labels', () => {
  it('that an entry has no room for are missed', () => {
    netns.run('nft', ['flush', 'ruleset']);
    try {
      const lost = insert(`${UDP} --label-add 7`);
      expect(lost.status).toBe(1);
      expect(lost.stderr).toMatch(
        /^conntrail: insert: nothing inserted: no room for labels: no rule/,
      );
      expect(listed()).toEqual([]);
      insert(UDP);
      const late = update('-p udp --label-add 7');
      expect(late.stderr).toContain('the entry has no room for labels');
      const [, hint = ''] = / {2}try: (.*)\n/.exec(late.stderr) ?? [];
      expect(hint).toContain(LABELS_RULE);
      const file = join(folder, 'labels.save');
      writeFileSync(file, `-A ${UDP.replace('1001', '1003')} --label-add 9\n`);
      expect(netns.table('restore', file)).toMatchObject({
        status: 1,
        stderr: expect.stringMatching(
          /^1 of 1 .*\n.*: 1 entry restored without all .*: no room for/,
        ),
      });
      expect(netns.table('restore', file)).toMatchObject({
        status: 1,
        stderr: expect.stringMatching(
          /^0 of 1 .*, 1 were there\n.*: 1 entry there before, without labels or ports that/,
        ),
      });
      // the hint as it is, outside of the namespace
      expect(spawnSync('sh', ['-c', hint]).status).toBe(0);
      expect(netns.run('nft', ['list', 'ruleset'])).toContain('table inet labels');
      netns.conntrack('-F');
      expect(insert(`${UDP} --label-add 7`)).toMatchObject({ status: 0 });
      expect(netns.table('save').stdout).toContain('--label-add 7\n');
    } finally {
      netns.run('nft', ['-f', '-'], 'table ip t { chain c { ct label set 1; }; }');
    }
  });
});

describe('hints', () => {
  const hintIn = (stderr: string): string => / {2}try: (.*)\n/.exec(stderr)?.[1] ?? '';
  /** As a shell would take it; standard output. */
  const pasted = (hint: string): string =>
    spawnSync('sh', ['-c', hint.replace('conntrail ', `${process.execPath} ${MAIN} `)], {
      encoding: 'utf8',
    }).stdout;

  it('list what would be changed', () => {
    insert(TCP);
    insert(UDP);
    insert(UDP.replace('1001', '1003'));
    const { stderr, status } = netns.table('delete', '-p', 'udp', '-d', '10.0.0.2/31');
    expect(status).toBe(2);
    expect(timeless(pasted(hintIn(stderr)))).toEqual(listed('-p', 'udp'));
    expect(listed()).toHaveLength(3);
  });

  it('are of the command in question', () => {
    const made = hintIn(insert('-p udp -s 10.0.0.1').stderr);
    expect(made).toMatch(/^conntrail table insert /);
    pasted(made.replace('insert', `insert --netns ${netns.name}`));
    expect(listed()).toHaveLength(1);
    expect(hintIn(netns.table('get', '-p', 'udp').stderr)).toMatch(/^conntrail table get /);
  });

  it('name a namespace that is there', () => {
    const { stderr } = conntrail(['table', 'count', '--netns', 'nonesuch']);
    const hint = hintIn(stderr).replace('for example ', '');
    expect(hint).toMatch(/^--netns \S+$/);
    expect(pasted(`conntrail table count ${hint}`)).toMatch(/^\d+\n$/);
  });

  it('switch on what was missed, and are one line', () => {
    const setting = 'net.netfilter.nf_conntrack_acct';
    netns.run('sysctl', ['-qw', `${setting}=0`]);
    try {
      expect(netns.table('list', '-o', 'columns').stderr).toBe('');
      const { stderr } = netns.table('list', '--sort', 'bytes');
      expect(stderr).toMatch(/^conntrail: no packets and bytes of entries made now: [^\n]*\n$/);
      pasted(stderr.split(': ')[2]!);
      expect(netns.run('sysctl', ['-n', setting])).toBe('1\n');
    } finally {
      netns.run('sysctl', ['-qw', `${setting}=1`]);
    }
  });
});

describe('a question', () => {
  /** On a terminal, with this typed to it. */
  const asked = (typed: string, ...args: readonly string[]): string => {
    const [sub = '', ...rest] = args;
    const command = [process.execPath, MAIN, 'table', sub, '--netns', netns.name, ...rest];
    const options = { input: typed, encoding: 'utf8' } as const;
    return spawnSync('script', ['-qec', command.join(' '), '/dev/null'], options).stdout;
  };

  it.each([
    ['delete', '-p', 'udp'],
    ['flush', '-f', 'ipv4'],
  ])('shows what it is about first: %s', (...args) => {
    if (!hasTool('script')) return expect.fail('needs script, of util-linux');
    for (const port of [1001, 1003, 1004, 1005]) insert(UDP.replace('1001', String(port)));
    const before = listed();
    const out = asked('n\n', ...args).replaceAll('\r', '');
    const shown = out.split('\n').filter((line) => line.startsWith('udp '));
    expect(shown).toHaveLength(3);
    expect(timeless(`${shown.join('\n')}\n`).every((line) => before.includes(line))).toBe(true);
    expect(out.split('\nand 1 more\n')[1]).toContain('delete 4 entries? [y/N]');
    expect(listed()).toEqual(before);
    asked('y\n', ...args);
    expect(listed()).toEqual([]);
  });
});

describe('forms that are combined', () => {
  const FORMS = ['extended', 'id', 'ktimestamp', 'timestamp', 'labels', 'xml', 'save'];
  const pairs = FORMS.flatMap((one, index) => FORMS.slice(index + 1).map((two) => `${one},${two}`));

  it('are those of conntrack, and refused where it refuses them', () => {
    insert(`${TCP} -u SEEN_REPLY,ASSURED --src-nat 9.9.9.9:7 -m 3 -w 12 --helper ftp`);
    insert(`${UDP} --label-add 7`);
    insert('-p icmp -s 10.0.0.1 -d 10.0.0.2 --icmp-type 8 --icmp-code 0 --icmp-id 33 -t 1000');
    let refused = 0;
    for (const form of [...pairs, 'extended,id,ktimestamp,labels,timestamp', 'xml,id,extended']) {
      const theirs = netns.conntrack('-L', '-o', form);
      const { status, stdout, stderr } = netns.table('list', '-o', form);
      expect(timeless(stdout), form).toEqual(timeless(theirs.stdout));
      expect(status === 0, form).toBe(theirs.status === 0);
      if (status === 0) continue;
      refused++;
      expect({ status, stderr }).toEqual({
        status: 2,
        stderr: expect.stringMatching(/^conntrail: --output: found [^\n]*, needed [^\n]*\n/),
      });
    }
    expect(refused).toBe(6); // save with each of the others
  }, 60_000);

  it.each([
    ['json,id', 'found json,id, needed json alone'],
    ['labels,columns', 'found labels,columns, needed columns alone'],
    ['timestamp,json', 'found timestamp,json, needed json alone'],
    ['columns,json', 'found columns and json, needed one of them'],
    ['id --out x.arrow', 'found id and --out x.arrow, needed one of them'],
    ['lines,xml', 'found lines and xml, needed one of them'],
  ])('and those of our own that have all fields, or none, are refused: -o %s', (form, found) => {
    for (const sub of ['list', 'events', 'list expect']) {
      const { status, stderr } = netns.table(...words(`${sub} -o ${form}`));
      expect(stderr, sub).toContain(`conntrail: --output: ${found}\n`);
      expect(status).toBe(2);
    }
  });
});

describe('a value that is none', () => {
  it.each([
    ['--mark 0x1/zz', '--mark: found "0x1/zz"'],
    ['--label-add nobody', '--label-add: found "nobody"'],
    ['--timeout -5', '--timeout: found "-5"'],
    ['--helper a_name_of_no_helper', '--helper: found "a_name_of_no_helper"'],
    ['--status FOO', '--status: found "FOO"'],
  ])('is refused before anything is asked or looked for: update %s', (change, found) => {
    for (let there = 0; there < 3; there++) {
      const { status, stderr } = update(`-p udp ${change}`);
      expect(stderr).toContain(`conntrail: ${found}`);
      expect(status).toBe(2);
      insert(UDP.replace('1001', String(1001 + there)));
    }
  });
});

describe('a full disk', () => {
  const full = (command: string): { status: number | null; stderr: string } =>
    spawnSync(
      'unshare',
      ['-m', 'sh', '-c', `mount -t tmpfs -o size=4k none ${folder} && exec ${command}`],
      { encoding: 'utf8' },
    );
  const ours = (sub: string, ...rest: readonly string[]): string =>
    [process.execPath, MAIN, 'table', sub, '--netns', netns.name, ...rest].join(' ');

  it.each([
    ['save', `${folder}/x.save`, ''],
    ['list', '', `>${folder}/x.txt`],
    ['list', '--out -', `>${folder}/x.arrow`],
    ['list', `--out ${folder}/x.arrow`, ''],
    ['list', `--out ${folder}/x.parquet`, ''],
    ['save', '', '>/dev/full'],
  ])('is one line: %s %s %s', (sub, rest, redirected) => {
    const path = join(folder, 'many.save');
    const line = (port: number): string => `-A ${UDP.replace('1001', String(port))}\n`;
    writeFileSync(path, Array.from({ length: 2000 }, (_, index) => line(index + 1)).join(''));
    netns.table('restore', path);
    const { status, stderr } = full(`${ours(sub, rest)} ${redirected}`);
    expect(stderr).toMatch(
      /^conntrail: write (\S+|standard output): ENOSPC\n {2}try: free some space, or [^\n]*\n$/,
    );
    expect(status).toBe(1);
  });

  it('and what else the system refuses is one line too', () => {
    for (const [args, found] of [
      [['restore', folder], /^conntrail: read \S+: EISDIR\n {2}try: name a file\n$/],
      [['restore', '/nonexistent'], /^conntrail: read \/nonexistent: ENOENT\n {2}try: [^\n]*\n$/],
      [['save', folder], /^conntrail: \S+ is a folder, needed the name of a file\n/],
      [['save', '/proc/x'], /^conntrail: create \/proc\/x.partial: (ENOENT|EACCES|EPERM)\n/],
    ] as const) {
      expect(netns.table(...args).stderr).toMatch(found);
    }
  });
});

type Explained = Readonly<Record<'title' | 'nat' | 'next' | 'delete', string>>;

describe('what is shown in another form', () => {
  it('is ICMP by its own names in JSON, and explained as the line of conntrack is', () => {
    insert('-p icmp -s 10.0.0.1 -d 10.0.0.2 --icmp-type 13 --icmp-code 4 --icmp-id 33 -t 1000');
    insert('-p gre -s 10.0.0.1 -d 10.0.0.2 --srckey 5 --dstkey 6 -t 1000 --orig-zone 8');
    insert(`${TCP} -u SEEN_REPLY,ASSURED --src-nat 9.9.9.9:7 -m 3 -w 12 --helper ftp`);
    insert(`${UDP.replace('10.0.0.1', 'fd00::1').replace('10.0.0.2', 'fd00::2')} --label-add 7`);
    const rows = netns.table('list', '-o', 'json').stdout;
    const icmp = JSON.parse(netns.table('list', '-p', 'icmp', '-o', 'json').stdout) as object;
    expect(icmp).toMatchObject({
      ...{ icmp_type: 13, icmp_code: 4, icmp_id: 33 },
      ...{ icmp_type_reply: 14, icmp_code_reply: 4, icmp_id_reply: 33 },
    });
    expect(icmp).not.toHaveProperty('src_port');
    const explained = (input: string): Explained[] => {
      const options = { input, encoding: 'utf8' } as const;
      const command = [MAIN, 'table', 'explain', '--json'];
      const { stdout } = spawnSync(process.execPath, command, options);
      const found = (JSON.parse(stdout) as { explained: Explained[] }).explained;
      return found
        .map(({ title, nat, next, delete: one }) => ({ title, nat, next, delete: one }))
        .sort((a, b) => (a.title < b.title ? -1 : 1));
    };
    const wanted = explained(netns.conntrack('-L', '-o', 'id').stdout);
    expect(wanted).toHaveLength(4);
    expect(explained(rows)).toEqual(wanted);
  });

  it('is helpers and the keys of GRE in columns, in the figures of conntrack', () => {
    insert('-p gre -s 10.0.0.1 -d 10.0.0.2 --srckey 5 --dstkey 31 -t 1000');
    insert(`${TCP} --helper ftp`);
    expect(netns.conntrack('-L').stdout).toMatch(/srckey=0x5 dstkey=0x1f .*\n|helper=ftp .*\n/);
    const columns = netns.table('list', '-o', 'columns').stdout;
    expect(columns).toMatch(/^gre .* 10\.0\.0\.1 > 10\.0\.0\.2 keys 0x5 > 0x1f$/m);
    expect(columns).toMatch(/^tcp .* helper ftp$/m);
  });

  it('is read by conntrack -R without the lines that the help of save names', () => {
    insert(UDP);
    insert(`${UDP.replace('1001', '1002')} --label-add 7`);
    insert(`${TCP} --helper ftp`);
    const lines = netns.table('save').stdout.split('\n').slice(0, -1);
    const read = (some: readonly string[]): number | null => {
      const path = join(folder, 'some.save');
      writeFileSync(path, some.map((line) => `${line}\n`).join(''));
      netns.conntrack('-F');
      return netns.conntrack('-R', path).status;
    };
    const [filter = ''] =
      /grep -ve \S+ -e [a-z-]+/.exec(conntrail(['table', 'save', '--help']).stdout) ?? [];
    const [taken = '', ...more] = spawnSync('sh', ['-c', filter], {
      input: lines.join('\n'),
      encoding: 'utf8',
    })
      .stdout.trim()
      .split('\n');
    expect(more).toEqual([]);
    expect(read([taken])).toBe(0);
    expect(listed()).toHaveLength(1);
    for (const line of lines.filter((one) => one !== taken)) expect(read([line]), line).not.toBe(0);
  });

  it('is no entry at all, where a file has none', () => {
    const path = join(folder, 'empty.save');
    expect(netns.table('save', path).status).toBe(0);
    const found = { status: 0, stderr: 'found no entries to restore\n' };
    expect(netns.table('restore', path)).toMatchObject(found);
    expect(netns.conntrack('-R', path).status).toBe(0);
  });

  it('is the settings that somebody changed, or all', () => {
    const shown = (...args: readonly string[]): string[] =>
      netns.table('stats', ...args).stdout.match(/^ {4}nf_\w+/gm) ?? [];
    expect(shown().map((name) => name.trim())).toEqual([
      'nf_conntrack_acct',
      'nf_conntrack_timestamp',
    ]);
    netns.run('sysctl', ['-qw', 'net.netfilter.nf_conntrack_udp_timeout=31']);
    expect(shown()).toHaveLength(3);
    netns.run('sysctl', ['-qw', 'net.netfilter.nf_conntrack_udp_timeout=30']);
    const known = netns.run('sh', ['-c', 'ls /proc/sys/net/netfilter']);
    expect(shown('--settings').length).toBeGreaterThan(known.match(/timeout/g)?.length ?? 0);
  });
});
