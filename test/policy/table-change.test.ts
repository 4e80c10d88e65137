/** Entries made, changed, deleted, saved and restored, held against conntrack(8). */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hasTool } from '../../src/kernel/tool.ts';
import { mixedLines } from './table-mixed.ts';
import { cannotRun, TestNetns, timeless } from './table-netns.ts';

const PATIENCE_MS = 60_000;
const folder = mkdtempSync(join(tmpdir(), 'conntrail-table-'));
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
const listed = (): string[] => timeless(netns.conntrack('-L').stdout);
const insert = (text: string) => netns.table('insert', ...words(text));

const UDP = '-p udp -s 10.0.0.1 -d 10.0.0.2 --sport 1001 --dport 53 -t 1000';
const TCP = '-p tcp -s 10.0.0.1 -d 10.0.0.2 --sport 1002 --dport 80 -t 1000 --state ESTABLISHED';

describe('table insert', () => {
  it.each([
    UDP,
    TCP,
    `${TCP} -u SEEN_REPLY,ASSURED -m 7`,
    `${TCP} --src-nat 9.9.9.9 -w 5`,
    `${TCP} --dst-nat 9.9.9.9:81`,
    '-p udp -s fd00::1 -d fd00::2 --sport 1001 --dport 53 -t 1000',
    '-p icmp -s 10.0.0.1 -d 10.0.0.2 --icmp-type 8 --icmp-code 0 --icmp-id 33 -t 1000',
    '-p icmpv6 -s fd00::1 -d fd00::2 --icmpv6-type 128 --icmpv6-code 0 --icmpv6-id 3 -t 1000',
    '-p sctp -s 10.0.0.1 -d 10.0.0.2 --sport 5 --dport 6 --state ESTABLISHED --orig-vtag 77 --reply-vtag 88 -t 1000',
    '-p gre -s 10.0.0.1 -d 10.0.0.2 --srckey 5 --dstkey 6 -t 1000',
    '-p udplite -s 10.0.0.1 -d 10.0.0.2 --sport 5 --dport 6 -t 1000',
    '-p 99 -s 10.0.0.1 -d 10.0.0.2 -t 1000',
    `${UDP} --orig-zone 5`,
    `${UDP} --reply-zone 5`,
  ])('makes what conntrack -I %s makes', (args) => {
    expect(netns.conntrack('-I', ...words(args)).stderr).toContain('1 flow entries');
    const theirs = timeless(netns.conntrack('-L', '-o', 'save').stdout);
    const wanted = [...listed(), ...theirs];
    expect(wanted).toHaveLength(2);
    netns.conntrack('-F');
    expect(insert(args)).toMatchObject({ status: 0, stderr: '1 entry inserted\n' });
    expect([...listed(), ...timeless(netns.conntrack('-L', '-o', 'save').stdout)]).toEqual(wanted);
  });

  it('maps as the reply tuple says, so that the kernel translates', () => {
    insert(`${UDP} -r 9.9.9.9 -q 8.8.8.8 --reply-port-src 99 --reply-port-dst 88`);
    expect(listed()).toEqual([
      expect.stringContaining(' src=9.9.9.9 dst=8.8.8.8 sport=99 dport=88 '),
    ]);
    const { stdout } = netns.table('list', '--any-nat', '-o', 'json');
    const IPS_SRC_NAT = 1 << 4;
    const IPS_DST_NAT = 1 << 5;
    const { status } = JSON.parse(stdout) as { status: number };
    expect(status & (IPS_SRC_NAT | IPS_DST_NAT)).toBe(IPS_SRC_NAT | IPS_DST_NAT);
  });

  it('tells a mapping from a reply tuple that is another and translates nothing', () => {
    netns.conntrack(
      '-I',
      ...words(`${UDP} -r 9.9.9.9 -q 8.8.8.8 --reply-port-src 53 --reply-port-dst 1001`),
    );
    expect(listed()).toHaveLength(1);
    for (const option of ['--src-nat', '--dst-nat', '--any-nat']) {
      expect(netns.conntrack('-L', option).stdout).toBe('');
      expect(netns.table('list', option).stdout).toBe('');
    }
    const { stdout } = netns.table('list', '-o', 'json');
    expect(JSON.parse(stdout)).toMatchObject({
      src_nat: false,
      nat: 'another reply tuple, not translated',
    });
  });

  it('refuses what is there already, and says so', () => {
    insert(UDP);
    const there = `conntrail table list --netns ${netns.name} -p udp -s 10.0.0.1 -d 10.0.0.2 --sport 1001 --dport 53`;
    expect(insert(UDP)).toMatchObject({
      status: 1,
      stderr: `conntrail: insert: an entry has its original or its reply tuple already (EEXIST)\n  try: ${there}\n`,
    });
    const listing = netns.table(...there.replace(`--netns ${netns.name} `, '').split(' ').slice(2));
    expect(timeless(listing.stdout)).toEqual(listed());
  });

  it.each([
    [UDP.replace(' -t 1000', ''), 'found no --timeout, needed seconds until it ends'],
    [TCP.replace(' --state ESTABLISHED', ''), 'found no --state, needed one of NONE, SYN_SENT'],
    ['-p udp -s 10.0.0.1 --sport 1 --dport 2 -t 3', 'found no --orig-dst, needed to name an entry'],
    [UDP.replace('udp', 'nonsense'), '--protonum: found "nonsense", needed a protocol'],
    [UDP.replace('10.0.0.2', 'fd00::2'), 'needed an address of the same family'],
    [UDP.replace('1001', '70000'), '--sport: found "70000", needed a number from 0 to 65535'],
    [`${UDP} --label-add 128`, '--label-add: found "128", needed names of connlabel.conf'],
    [UDP.replace('-t 1000', '-t 0'), '--timeout: found "0", needed a second at least'],
    [`${UDP} --helper ${'x'.repeat(16)}`, 'needed a name of up to 15 bytes'],
  ])('refuses %s', (args, message) => {
    const { status, stderr } = insert(args);
    expect(stderr).toContain(`conntrail: `);
    expect(stderr).toContain(message);
    expect(status).toBe(2);
    expect(listed()).toEqual([]);
  });
});

describe('a mapping that was inserted', () => {
  it(
    'translates the packets of its flow',
    async (context) => {
      if (!hasTool('socat')) context.skip('needs socat');
      const client = new TestNetns();
      try {
        linkTo(client);
        // conntrack is at work where a rule needs it
        const chain =
          '{ type nat hook prerouting priority -100; ip saddr 1.2.3.4 dnat to 1.2.3.4; }';
        netns.run('nft', ['-f', '-'], `table ip n { chain p ${chain}; }`);
        const name = '-p udp -s 10.55.0.2 -d 10.66.0.1 --sport 4000 --dport 53';
        insert(`${name} -t 100 --dst-nat 10.55.0.1:5353`);
        const inside = ['netns', 'exec', netns.name];
        const listen = ['socat', '-u', 'UDP4-RECVFROM:5353,bind=10.55.0.1', 'STDOUT'];
        const server = spawn('ip', [...inside, ...listen]);
        const heard = once(server.stdout, 'data');
        let isHeard = false;
        heard.then(() => {
          isHeard = true;
        });
        for (let turn = 0; !isHeard; turn++) {
          expect(turn, 'packets that nobody got').toBeLessThan(500);
          client.run('socat', ['-u', 'STDIN', 'UDP4-SENDTO:10.66.0.1:53,sourceport=4000'], 'hello');
          await new Promise(setImmediate);
        }
        expect(String((await heard)[0])).toBe('hello');
        expect(timeless(netns.conntrack('-L', '-p', 'udp').stdout)).toEqual([
          expect.stringMatching(
            /dport=53 packets=[1-9]\d* .* src=10\.55\.0\.1 dst=10\.55\.0\.2 sport=5353 /,
          ),
        ]);
        server.kill();
      } finally {
        client.remove();
      }
    },
    PATIENCE_MS,
  );
});

/** The client at 10.55.0.2; here 10.55.0.1, and 10.66.0.1 which nobody listens on. */
function linkTo(client: TestNetns): void {
  const ends = [
    [client, 'v0', '10.55.0.2/24'],
    [netns, 'v1', '10.55.0.1/24'],
  ] as const;
  netns.run('ip', [
    'link',
    'add',
    'v1',
    'type',
    'veth',
    'peer',
    'name',
    'v0',
    'netns',
    client.name,
  ]);
  for (const [at, link, address] of ends) {
    at.run('ip', ['addr', 'add', address, 'dev', link]);
    at.run('ip', ['link', 'set', link, 'up']);
    at.run('ip', ['link', 'set', 'lo', 'up']);
  }
  netns.run('ip', ['addr', 'add', '10.66.0.1/32', 'dev', 'lo']);
  client.run('ip', ['route', 'add', 'default', 'via', '10.55.0.1']);
}

describe('table get', () => {
  it('finds an entry by either tuple, and no other', () => {
    insert(`${UDP} --src-nat 9.9.9.9:77`);
    const by = (text: string) => netns.table('get', ...words(text));
    const found = by('-p udp -s 10.0.0.1 -d 10.0.0.2 --sport 1001 --dport 53');
    expect(timeless(found.stdout.replace('use=2', 'use=1'))).toEqual(listed());
    const reply = by('-p udp -r 10.0.0.2 -q 9.9.9.9 --reply-port-src 53 --reply-port-dst 77');
    expect(timeless(reply.stdout)).toEqual(timeless(found.stdout));
    const none = by('-p udp -s 10.0.0.1 -d 10.0.0.2 --sport 1001 --dport 54');
    expect(none).toMatchObject({ status: 1, stdout: '' });
    expect(none.stderr).toContain('found no such entry in the conntrack table');
  });
});

describe('table update', () => {
  it('sets mark, timeout, status, labels and helper of what matches, and of nothing else', () => {
    insert(TCP);
    insert(UDP);
    const update = (text: string) => netns.table('update', ...words(text));
    expect(update('-p tcp --mark 0x17').stderr).toBe('1 of 1 updated\n');
    expect(update('-p tcp --mark 0x5/0xf').stderr).toBe('1 of 1 updated\n');
    expect(update('-p tcp --status ASSURED,SEEN_REPLY --timeout 77').status).toBe(0);
    expect(update('-p tcp --label-add 3,77').status).toBe(0);
    expect(update('-p tcp --label-del 77').status).toBe(0);
    const [tcp, udp] = listed();
    // the mask says which bits are cleared before the value is added: conntrack(8)
    expect(tcp).toContain('[ASSURED] mark=21 ');
    expect(udp).toContain('[UNREPLIED]');
    expect(udp).toContain('mark=0 ');
    expect(netns.table('save', '-p', 'tcp').stdout).toMatch(/^-A -t 7\d .* --label-add 3\n$/);
  });

  it('asks before it changes more than one', () => {
    insert(TCP);
    insert(UDP);
    const refused = netns.table('update', '--mark', '9');
    expect(refused.status).toBe(2);
    expect(refused.stderr).toContain(
      'found 2 entries to update and no terminal to ask on, needed --yes',
    );
    expect(listed().join()).not.toContain('mark=9');
    expect(netns.table('update', '--mark', '9', '--yes').stderr).toBe('2 of 2 updated\n');
    expect(listed().filter((line) => line.includes('mark=9'))).toHaveLength(2);
  });
});

describe('table delete and flush', () => {
  it('delete what matches, one without a question', () => {
    insert(TCP);
    insert(UDP);
    const before = listed();
    const gone = netns.table('delete', '-p', 'udp');
    expect(gone).toMatchObject({ status: 0, stderr: '1 of 1 deleted\n' });
    expect(timeless(gone.stdout)).toEqual(before.filter((line) => line.startsWith('udp')));
    expect(listed()).toEqual(before.filter((line) => line.startsWith('tcp')));
    expect(netns.table('delete', '-p', 'udp')).toMatchObject({ status: 1, stdout: '' });
  });

  it('tell zones apart', () => {
    // one original tuple; where the zone is of one direction, another reply tuple
    insert(UDP);
    insert(`${UDP} -w 5`);
    insert(`${UDP} --orig-zone 6 --src-nat 9.9.9.9`);
    insert(`${UDP} --orig-zone 8 --src-nat 9.9.9.8`);
    const unlike = listed();
    expect(unlike).toHaveLength(4);
    expect(netns.table('delete', '--orig-zone', '6').stderr).toBe('1 of 1 deleted\n');
    expect(netns.table('delete', '-w', '5').stderr).toBe('1 of 1 deleted\n');
    expect(listed()).toEqual(unlike.filter((line) => !/zone=5|zone-orig=6/.test(line)));
  });

  it('do nothing to more than one without --yes', () => {
    insert(TCP);
    insert(UDP);
    for (const command of ['delete', 'flush']) {
      const refused = netns.table(command);
      expect(refused.status).toBe(2);
      expect(refused.stderr).toContain('found 2 entries to delete');
    }
    expect(listed()).toHaveLength(2);
    expect(netns.table('flush', '-f', 'ipv6').stderr).toBe('0 entries deleted\n');
    expect(listed()).toHaveLength(2);
    expect(netns.table('flush', '--yes').stderr).toBe('2 entries deleted\n');
    expect(listed()).toEqual([]);
  });
});

const DCCP = '-p dccp -s 10.0.0.1 -d 10.0.0.2 --sport 5 --dport 6 -t 1000 --state OPEN';

describe('table save and restore', () => {
  const path = join(folder, 'all.save');
  const state = (): string[] => [
    ...timeless(netns.conntrack('-L', '-o', 'extended').stdout),
    ...timeless(netns.table('save').stdout),
  ];

  it(
    'bring all entries back as they were',
    () => {
      writeFileSync(path, `${mixedLines(2000).join('\n')}\n`);
      expect(netns.table('restore', path).stderr).toBe(
        '2000 of 2000 entries restored, 0 were there\n',
      );
      const before = state();
      expect(netns.table('save', path).status).toBe(0);
      netns.conntrack('-F');
      expect(netns.table('restore', path).status).toBe(0);
      expect(state()).toEqual(before);
      expect(netns.table('restore', path).stderr).toBe(
        '0 of 2000 entries restored, 2000 were there\n',
      );
    },
    PATIENCE_MS,
  );

  it(
    'write what conntrack -R reads, where no entry has labels or a helper',
    () => {
      writeFileSync(path, mixedLines(500).map(withoutOwn).join('\n'));
      netns.table('restore', path);
      const before = listed();
      netns.table('save', path);
      expect(readFileSync(path, 'utf8').split('\n')).toHaveLength(501);
      netns.conntrack('-F');
      netns.conntrack('-R', path);
      expect(listed()).toEqual(before);
    },
    PATIENCE_MS,
  );

  it('keep protocols that the kernel has no tracker of', () => {
    netns.conntrack('-I', ...words(`${DCCP} --role client`));
    insert(UDP);
    const before = listed();
    expect(before).toHaveLength(2);
    netns.table('save', path);
    netns.conntrack('-F');
    expect(netns.table('restore', path)).toMatchObject({ status: 0 });
    expect(listed()).toEqual(before);
  });

  it('make nothing where a line cannot be read, and say which', () => {
    writeFileSync(path, `# a remark\n-A ${UDP}\n-A ${UDP} --nonsense 4\n`);
    const { status, stderr } = netns.table('restore', path);
    expect(status).toBe(2);
    expect(stderr).toContain('line 3: found "--nonsense", needed an option of conntrack(8)');
    expect(listed()).toEqual([]);
  });
});

/** What conntrack(8) cannot restore: labels without names, helpers, mappings of ports alone. */
function withoutOwn(line: string): string {
  return line
    .replace(/ --label-add \S+/, '')
    .replace(/ --helper \S+/, '')
    .replace('--state LISTEN', '--state ESTABLISHED')
    .replace(/(--(?:src|dst)-nat (?:\[[^\]]+\]|[\d.]+)):\d+/g, '$1');
}
