import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { mayBeOfIptables, mergeSaved } from '../../src/kernel/iptables-nft-rules.ts';
import { parseRule } from '../../src/kernel/iptables-options.ts';
import { parseSave, savedChains } from '../../src/kernel/iptables-save.ts';
import { actionOf } from '../../src/kernel/iptables-targets.ts';
import { termsOf } from '../../src/kernel/iptables-terms.ts';
import { parseNftJson } from '../../src/kernel/nft-json.ts';
import { nftChains } from '../../src/kernel/nft-rules.ts';

function fixture(name: string): string {
  return readFileSync(new URL(`fixtures/${name}`, import.meta.url), 'utf8');
}

const terms = (rule: string) => termsOf(parseRule(rule).options);
const action = (rule: string) => actionOf(parseRule(rule), new Set(['USER']));

describe('a table as iptables-save writes it', () => {
  const chains = savedChains(parseSave(fixture('legacy.txt')), {
    backend: 'legacy',
    family: 'ip',
    tableHandle: 0,
  });
  const chain = (name: string) => chains.find((one) => one.name === name);

  it('has its base chains, and what they lead to', () => {
    expect(chains.map(({ name, base }) => [name, base?.hook, base?.priority])).toEqual([
      ['PREROUTING', 'prerouting', -100],
      ['INPUT', 'input', 100],
      ['OUTPUT', 'output', -100],
      ['POSTROUTING', 'postrouting', 100],
      ['SVC', undefined, undefined],
    ]);
  });

  it('has rules with their place, text and counters', () => {
    expect(chain('SVC')?.rules.map(({ number }) => number)).toEqual([1, 2]);
    expect(chain('SVC')?.rules[0]).toMatchObject({
      handle: 0,
      packets: 3,
      bytes: 180,
      text: '-p tcp -m tcp --dport 81 -m comment --comment "two -j words" -j DNAT --to-destination 10.0.0.7:8181',
      actions: [{ does: 'nat', kind: 'dnat', addresses: [['10.0.0.7', '10.0.0.7']] }],
    });
  });

  it('is nothing where the tool finds the table incompatible', () => {
    expect(parseSave("# Table `nat' is incompatible, use 'nft' tool.\n").chains).toEqual([]);
  });

  it('says which target it does not know', () => {
    const table = parseSave('*nat\n:OUTPUT DROP [0:0]\n[1:2] -A OUTPUT -j CONE --x 1\nCOMMIT\n');
    expect(table.notes).toEqual(['what the target CONE does is not known']);
    expect(table.chains[0]).toMatchObject({
      base: { policy: 'drop' },
      rules: [{ actions: [{ does: 'continue' }], packets: 1, bytes: 2 }],
    });
  });

  it('maps the source by NETMAP where only postrouting leads to it', () => {
    const table = parseSave(
      '*nat\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n:SUB - [0:0]\n' +
        '[0:0] -A OUTPUT -j NETMAP --to 10.1.0.0/24\n[0:0] -A POSTROUTING -j SUB\n' +
        '[0:0] -A SUB -j NETMAP --to 10.2.0.0/24\nCOMMIT\n',
    );
    const manips = table.chains.flatMap(({ rules }) => rules.flatMap(({ actions }) => actions));
    expect(manips).toMatchObject([
      { kind: 'netmap', manip: 'dst', addresses: [['10.1.0.0', '10.1.0.255']] },
      { does: 'jump' },
      { kind: 'netmap', manip: 'src', addresses: [['10.2.0.0', '10.2.0.255']] },
    ]);
  });
});

describe('a match of iptables', () => {
  const one = (field: string, ...values: string[]) => ({
    fields: [field],
    any: values.map((value) => [[value, value]]),
  });

  it.each([
    ['-s 10.1.0.0/16', { fields: ['src'], any: [[['10.1.0.0', '10.1.255.255']]] }],
    [
      '! -d 10.2.0.0/255.255.0.0',
      { fields: ['dst'], any: [[['10.2.0.0', '10.2.255.255']]], not: true },
    ],
    ['-d fd00::/127', { fields: ['dst'], any: [[['fd00::', 'fd00::1']]] }],
    ['-p ipv6-icmp', one('protocol', '58')],
    ['-i eth+', one('in', 'eth*')],
    ['! -o lo', { ...one('out', 'lo'), not: true }],
    ['-m udp ! --sport 5:9', { fields: ['src_port'], any: [[['5', '9']]], not: true }],
    ['-m tcp --dport :9', { fields: ['dst_port'], any: [[['0', '9']]] }],
    ['-m multiport --dports 1,5:', { fields: ['dst_port'], any: [[['1', '1']], [['5', '65535']]] }],
    [
      '-m iprange --src-range 10.0.0.3-10.0.0.8',
      { fields: ['src'], any: [[['10.0.0.3', '10.0.0.8']]] },
    ],
    ['-m mark ! --mark 0x4000/0x4000', { ...one('mark', '16384'), not: true, mask: 0x4000 }],
    ['-m connmark --mark 0x10', one('ct_mark', '16')],
    ['-m conntrack --ctstate NEW,RELATED', one('state', 'new', 'related')],
    ['-m state ! --state INVALID', { ...one('state', 'invalid'), not: true }],
    ['-m addrtype --dst-type LOCAL', one('dst_type', 'local')],
    ['-m addrtype ! --src-type UNICAST', { ...one('src_type', 'unicast'), not: true }],
  ])('%s', (rule, term) => {
    expect(terms(rule)).toEqual([term]);
  });

  it('of either port looks at both', () => {
    expect(terms('-m multiport --ports 7')).toEqual([
      {
        fields: ['src_port', 'dst_port'],
        any: [
          [
            ['7', '7'],
            ['0', '65535'],
          ],
          [
            ['0', '65535'],
            ['7', '7'],
          ],
        ],
      },
    ]);
  });

  it.each([
    ['-m statistic --mode random --probability 0.5'],
    ['-m set ! --match-set x dst'],
    ['-m owner --uid-owner 5'],
    ['-m recent --rcheck --name x --rsource'],
    ['-m socket'],
    ['-m conntrack --ctstate DNAT'],
    ['-m addrtype --dst-type LOCAL --limit-iface-in'],
    ['-d 10.0.0.1/255.0.255.0'],
    ['-p no-such-protocol'],
    ['! -f'],
  ])('%s is not evaluated', (rule) => {
    expect(terms(rule)).toEqual([{ unknown: rule }]);
  });

  it('keeps what can be evaluated of a match that cannot be as a whole', () => {
    expect(terms('-m tcp --dport 5 --tcp-flags SYN,ACK SYN')).toEqual([
      one('dst_port', '5'),
      { unknown: '-m tcp --tcp-flags SYN,ACK SYN' },
    ]);
  });

  it('is not a comment, whatever that says', () => {
    expect(terms('-m comment --comment "-s 1.2.3.4 -j \\"USER\\"" -m tcp -j RETURN')).toEqual([]);
    expect(terms('-m comment --comment -j -i lo -j RETURN')).toEqual([one('in', 'lo')]);
    expect(action('-m comment --comment -j -j RETURN')).toEqual({ does: 'return' });
  });
});

describe('a target of iptables', () => {
  const nat = (kind: string, manip: string, addresses: unknown, ports: unknown) => ({
    does: 'nat',
    kind,
    manip,
    addresses,
    ports,
  });

  it.each([
    [
      '-j DNAT --to-destination 10.0.0.1-10.0.0.5:80-90 --random --persistent',
      nat('dnat', 'dst', [['10.0.0.1', '10.0.0.5']], [['80', '90']]),
    ],
    [
      '-j DNAT --to-destination 10.0.0.1:80-90/1000',
      nat('dnat', 'dst', [['10.0.0.1', '10.0.0.1']], [['80', '90']]),
    ],
    ['-j DNAT --to-destination :5', nat('dnat', 'dst', null, [['5', '5']])],
    [
      '-j DNAT --to-destination [fd00::1-fd00::2]:5',
      nat('dnat', 'dst', [['fd00::1', 'fd00::2']], [['5', '5']]),
    ],
    ['-j SNAT --to-source fd00::1-fd00::4', nat('snat', 'src', [['fd00::1', 'fd00::4']], null)],
    [
      '-j MASQUERADE --to-ports 100-200 --random-fully',
      nat('masquerade', 'src', null, [['100', '200']]),
    ],
    ['-j REDIRECT', nat('redirect', 'dst', null, null)],
    [
      '-j NETMAP --to fd01::/64',
      nat('netmap', 'dst', [['fd01::', 'fd01::ffff:ffff:ffff:ffff']], null),
    ],
    ['-j MARK --set-xmark 0x5/0xff', { does: 'mark', mask: 0xff, value: 5 }],
    ['-j CONNMARK --restore-mark --nfmask 0xff', { does: 'mark unknown', field: 'mark' }],
    ['-j CONNMARK --save-mark', { does: 'mark unknown', field: 'ct_mark' }],
    ['-j USER', { does: 'jump', chain: 'USER' }],
    ['-g USER', { does: 'goto', chain: 'USER' }],
    ['-j RETURN', { does: 'return' }],
    ['-j NFQUEUE --queue-num 1', { does: 'queue' }],
    ['-j LOG --log-prefix "-j DROP "', { does: 'continue' }],
    ['-m mark --mark 0x1', { does: 'continue' }],
  ])('%s', (rule, found) => {
    expect(action(rule)).toEqual(found);
  });

  it('is not known if neither an extension nor a chain has its name', () => {
    expect(action('-j CONE')).toBeUndefined();
  });
});

describe('a table that iptables keeps in nf_tables', () => {
  const [table] = parseNftJson(fixture('kube-nft.json'));
  const chains = nftChains(table!, () => undefined);
  const save = fixture('kube-nft.save');
  const merged = mergeSaved(chains, table!, save);
  const rules = (name: string) => merged.chains.find((chain) => chain.name === name)?.rules;

  it('is recognised', () => {
    expect(mayBeOfIptables(table!)).toBe(true);
    expect(mayBeOfIptables({ ...table!, name: 'nat2' })).toBe(false);
    const [native] = parseNftJson(fixture('nft.json'));
    expect(mayBeOfIptables({ ...native!, name: 'nat' })).toBe(false);
  });

  it('has the handles of nft and the words of iptables', () => {
    expect(merged).toMatchObject({ notes: [], isTorn: false });
    expect(merged.chains.every(({ backend }) => backend === 'iptables-nft')).toBe(true);
    expect(merged.chains.some(({ name }) => name === 'UNUSED')).toBe(false);
    const listed = table!.rules.get('KUBE-SEP-A')!.map(({ handle }) => handle);
    expect(rules('KUBE-SEP-A')).toMatchObject([
      { handle: listed[0], number: 1, actions: [{ does: 'jump', chain: 'KUBE-MARK-MASQ' }] },
      {
        handle: listed[1],
        number: 2,
        text: '-p tcp -m comment --comment "default/x -j RETURN \\"q\\"" -m tcp -j DNAT --to-destination 10.244.1.5:8443',
        terms: [{ fields: ['protocol'], any: [[['6', '6']]] }],
        actions: [{ kind: 'dnat', addresses: [['10.244.1.5', '10.244.1.5']] }],
      },
    ]);
    expect(rules('KUBE-SVC-X')?.[1]).toMatchObject({
      terms: [{ unknown: '-m statistic --mode random --probability 0.50000000000' }],
      actions: [{ does: 'jump', chain: 'KUBE-SEP-A' }],
    });
  });

  it('says so where the two listings are not of one time', () => {
    const changed = save.replace(/.* -A KUBE-SEP-A -p tcp.*\n/, '');
    const torn = mergeSaved(chains, table!, changed);
    expect(torn.isTorn).toBe(true);
    expect(torn.notes).toEqual([
      'table ip nat chain KUBE-SEP-A: changed while it was read, its xt rules have no terms',
    ]);
    const rule = torn.chains.find(({ name }) => name === 'KUBE-SEP-A')?.rules[1];
    expect(rule).toMatchObject({ actions: [{ does: 'continue' }] });
    expect(rule?.terms).toContainEqual({ unknown: 'xt target DNAT' });
  });

  it('says so where the tool is not there, or refuses the table', () => {
    const prefix = 'table ip nat: rules of iptables stand without terms: iptables-nft-save';
    expect(mergeSaved(chains, table!, undefined).notes).toEqual([`${prefix} is not installed`]);
    const refusal = "# Table `nat' is incompatible, use 'nft' tool.\n";
    expect(mergeSaved(chains, table!, refusal).notes).toEqual([
      `${prefix} cannot read the whole table`,
    ]);
  });
});
