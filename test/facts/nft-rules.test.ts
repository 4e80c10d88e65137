import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { programOf } from '../../src/kernel/nft-actions.ts';
import { type NftTable, parseNftJson } from '../../src/kernel/nft-json.ts';
import { parseListing } from '../../src/kernel/nft-listing.ts';
import { nftChains } from '../../src/kernel/nft-rules.ts';

function fixture(name: string): string {
  return readFileSync(new URL(`fixtures/${name}`, import.meta.url), 'utf8');
}

function chainsOf(json: string, listing: string) {
  const texts = parseListing(listing);
  return parseNftJson(json).flatMap((table) => nftChains(table, texts));
}

describe('chains of nft', () => {
  const chains = chainsOf(fixture('nft.json'), fixture('nft.txt'));
  const chain = (name: string) => chains.find((one) => one.name === name);

  it('are those of type nat and what they lead to, by a verdict map too', () => {
    expect(chains.map(({ table, name, base }) => [table, name, base?.hook])).toEqual([
      ['nat2', 'pre', 'prerouting'],
      ['nat2', 'sub', undefined],
      ['nat2', 'post', 'postrouting'],
      ['f', 'n6', 'prerouting'],
    ]);
    expect(chain('n6')).toMatchObject({
      backend: 'nft',
      family: 'inet',
      tableHandle: 2,
      base: { type: 'nat', hook: 'prerouting', priority: -90, policy: 'accept' },
    });
  });

  it('have rules with handle, place, text and counter', () => {
    expect(chain('n6')?.rules[0]).toMatchObject({
      handle: 9,
      number: 1,
      text: 'ip saddr { 10.0.0.0/24, 10.1.0.0/24, 10.2.0.0/24, 10.3.0.0/24, 10.4.0.0/24, 10.5.0.0/24, 10.6.0.0/24 } tcp dport 99 counter dnat ip to 10.9.9.9',
      packets: 11,
      bytes: 660,
    });
    expect(chain('pre')?.rules.map(({ handle, number }) => [handle, number])).toEqual([
      [5, 1],
      [7, 2],
      [9, 3],
      [10, 4],
    ]);
  });

  it('are not misled by a comment that looks like a handle', () => {
    const rule = chain('pre')?.rules[1];
    expect(rule?.text).toMatch(/comment "two # handle 9"$/);
    expect(rule?.packets).toBe(3);
  });

  it('count what a named counter counts, and nothing without one', () => {
    expect(chain('post')?.rules[0]).toMatchObject({ packets: 7, bytes: 420 });
    const jump = chain('pre')?.rules.find(({ text }) => text === 'jump sub');
    expect(jump).toMatchObject({ actions: [{ does: 'jump', chain: 'sub' }] });
    expect(jump).not.toHaveProperty('packets');
  });

  it('show a rule that is not in the listing by its expressions', () => {
    expect(chainsOf(fixture('nft.json'), '')[0]?.rules[0]?.text).toContain('"redirect"');
  });

  it('are none in an empty ruleset, and none of a dormant table', () => {
    expect(parseNftJson('{"nftables": [{"metainfo": {}}]}')).toEqual([]);
    const [table] = parseNftJson(fixture('nft.json'));
    expect(nftChains({ ...table!, isDormant: true }, parseListing(''))).toEqual([]);
  });

  it('refuse what is not JSON', () => {
    expect(() => parseNftJson('Error')).toThrow('nft printed 5 bytes that are not JSON');
  });
});

const SETS = {
  fixed: { name: 'fixed', elem: ['10.0.0.1', { range: ['10.0.0.4', '10.0.0.7'] }] },
  aging: { name: 'aging', flags: ['timeout'], elem: ['10.0.0.1'] },
  filled: { name: 'filled', elem: ['10.0.0.2'] },
};

function table(family: string): NftTable {
  return {
    family,
    name: 't',
    handle: 1,
    isDormant: false,
    chains: [],
    rules: new Map(),
    sets: new Map(Object.entries(SETS)),
    counters: new Map(),
    changing: new Set(['filled']),
  };
}

const payload = (protocol: string, field: string) => ({ payload: { protocol, field } });
const meta = (key: string) => ({ meta: { key } });
const match = (left: unknown, right: unknown, op = '==') => ({ match: { op, left, right } });

function terms(statement: Record<string, unknown>, family = 'ip') {
  return programOf([statement], table(family)).terms;
}

describe('a match of nft', () => {
  it('implies the protocol of its header, and in family inet the address family', () => {
    const port = { fields: ['dst_port'], any: [[['53', '53']]], not: true };
    expect(terms(match(payload('udp', 'dport'), 53, '!='))).toEqual([
      { fields: ['protocol'], any: [[['17', '17']]] },
      port,
    ]);
    const source = { fields: ['src'], any: [[['10.1.0.0', '10.1.255.255']]] };
    const statement = match(payload('ip', 'saddr'), { prefix: { addr: '10.1.0.0', len: 16 } });
    expect(terms(statement)).toEqual([source]);
    expect(terms(statement, 'inet')).toEqual([{ fields: ['family'], any: [[['4', '4']]] }, source]);
    expect(terms(match(payload('th', 'sport'), { range: [7, 9] }))).toEqual([
      { fields: ['src_port'], any: [[['7', '9']]] },
    ]);
  });

  it('says an implied term once', () => {
    const statements = [match(meta('l4proto'), 6), match(payload('tcp', 'dport'), 80)];
    expect(programOf(statements, table('ip')).terms).toHaveLength(2);
  });

  it('writes IPv6 one way', () => {
    const right = { prefix: { addr: 'fd00:0:0:1::', len: 62 } };
    expect(terms(match(payload('ip6', 'daddr'), right, '!='), 'ip6')).toEqual([
      { fields: ['dst'], any: [[['fd00::', 'fd00::3:ffff:ffff:ffff:ffff']]], not: true },
    ]);
  });

  it('takes rows from sets, with one interval per part of a concatenation', () => {
    const left = { concat: [payload('ip', 'daddr'), meta('l4proto'), payload('th', 'dport')] };
    const right = { set: [{ concat: [{ prefix: { addr: '10.2.0.0', len: 31 } }, 'udp', 53] }] };
    expect(terms(match(left, right))).toEqual([
      {
        fields: ['dst', 'protocol', 'dst_port'],
        any: [
          [
            ['10.2.0.0', '10.2.0.1'],
            ['17', '17'],
            ['53', '53'],
          ],
        ],
      },
    ]);
    expect(terms(match(payload('ip', 'saddr'), '@fixed', '!='))).toEqual([
      { fields: ['src'], any: [[['10.0.0.1', '10.0.0.1']], [['10.0.0.4', '10.0.0.7']]], not: true },
    ]);
  });

  it('does not evaluate a set that changes with the packets, or that is not there', () => {
    for (const name of ['aging', 'filled', 'absent']) {
      expect(terms(match(payload('ip', 'saddr'), `@${name}`))).toEqual([
        { unknown: `ip saddr @${name}` },
      ]);
    }
  });

  it('compares marks under a mask', () => {
    expect(terms(match({ '&': [meta('mark'), 0x4000] }, 0, '!='))).toEqual([
      { fields: ['mark'], any: [[['0', '0']]], not: true, mask: 0x4000 },
    ]);
    expect(terms(match({ ct: { key: 'mark' } }, 7, '>='))).toEqual([
      { fields: ['ct_mark'], any: [[['7', '4294967295']]] },
    ]);
    expect(terms(match(payload('ip', 'ttl'), 7, '<'))).toEqual([{ unknown: 'ip ttl < 7' }]);
  });

  it('reads states as bits', () => {
    const state = { ct: { key: 'state' } };
    expect(terms(match(state, ['established', 'new'], 'in'))).toEqual([
      { fields: ['state'], any: [[['established', 'established']], [['new', 'new']]] },
    ]);
    expect(terms(match(state, 'invalid', '!'))).toEqual([
      { fields: ['state'], any: [[['invalid', 'invalid']]], not: true },
    ]);
    // Never equal to two bits at once, so `!=` holds for all: no list of states says that.
    expect(terms(match(state, ['established', 'new'], '!='))).toEqual([
      { unknown: 'ct state != established,new' },
    ]);
  });

  it('asks the routing table by address alone', () => {
    const fib = (flags: string[]) => ({ fib: { result: 'type', flags } });
    expect(terms(match(fib(['daddr']), 'local'))).toEqual([
      { fields: ['dst_type'], any: [[['local', 'local']]] },
    ]);
    expect(terms(match(fib(['daddr', 'iif']), 'local'))).toEqual([
      { unknown: 'fib daddr . iif type local' },
    ]);
  });

  it('knows interfaces by name, a trailing star included', () => {
    expect(terms(match(meta('iifname'), { set: ['eth*', 'lo'] }))).toEqual([
      { fields: ['in'], any: [[['eth*', 'eth*']], [['lo', 'lo']]] },
    ]);
    expect(terms(match(meta('oif'), 7))).toEqual([{ unknown: 'meta oif 7' }]);
  });

  it('is a term without a value where a trace cannot tell', () => {
    expect(terms({ limit: { rate: 5, per: 'second', burst: 5 } })).toEqual([
      { unknown: 'limit rate 5/second' },
    ]);
    expect(terms(match({ ct: { key: 'status' } }, 'dnat', 'in'))).toEqual([
      { unknown: 'ct status dnat' },
    ]);
    expect(terms(match(payload('tcp', 'flags'), 'syn', 'in'))).toEqual([
      { fields: ['protocol'], any: [[['6', '6']]] },
      { unknown: 'tcp flags syn' },
    ]);
  });

  it('is not evaluated behind an action of the same rule', () => {
    const mark = { mangle: { key: meta('mark'), value: 5 } };
    const program = programOf(
      [mark, match(payload('ip', 'ttl'), 7), { accept: null }],
      table('ip'),
    );
    expect(program).toEqual({
      terms: [{ unknown: 'ip ttl 7' }],
      actions: [{ does: 'mark', mask: 0xffffffff, value: 5 }, { does: 'accept' }],
    });
  });
});

function actions(statement: Record<string, unknown>, family = 'ip') {
  return programOf([statement], table(family)).actions;
}

describe('an action of nft', () => {
  const dnat = { does: 'nat', kind: 'dnat', manip: 'dst' };

  it('maps to addresses and ports', () => {
    const range = { addr: { range: ['10.3.0.1', '10.3.0.5'] }, port: { range: [1000, 2000] } };
    expect(actions({ dnat: range })).toEqual([
      { ...dnat, addresses: [['10.3.0.1', '10.3.0.5']], ports: [['1000', '2000']] },
    ]);
    expect(actions({ redirect: { port: 8080 } })).toEqual([
      { ...dnat, kind: 'redirect', addresses: null, ports: [['8080', '8080']] },
    ]);
    expect(actions({ masquerade: null })).toEqual([
      { does: 'nat', kind: 'masquerade', manip: 'src', addresses: null, ports: null },
    ]);
  });

  it('of one family is passed over by the other in family inet', () => {
    const program = programOf([{ snat: { family: 'ip6', addr: 'fd00::7' } }], table('inet'));
    expect(program.terms).toEqual([{ fields: ['family'], any: [[['6', '6']]] }]);
  });

  it('maps by a map, what * stands for behind the others', () => {
    const key = payload('tcp', 'dport');
    const set = [
      ['*', '10.4.0.3'],
      [80, { concat: ['10.4.0.1', 8080] }],
    ];
    const program = programOf([{ dnat: { addr: { map: { key, data: { set } } } } }], table('ip'));
    const to = (address: string, port: string | null) => ({
      kind: 'dnat',
      manip: 'dst',
      addresses: [[address, address]],
      ports: port === null ? null : [[port, port]],
    });
    const targets = [to('10.4.0.1', '8080'), to('10.4.0.3', null)];
    expect(program.terms).toEqual([{ fields: ['protocol'], any: [[['6', '6']]] }]);
    expect(program.actions).toEqual([
      {
        does: 'nat map',
        fields: ['dst_port'],
        elements: [
          { key: [['80', '80']], to: targets[0] },
          { key: [['0', '65535']], to: targets[1] },
        ],
        targets,
      },
    ]);
  });

  it('has all targets of a map whose key is a hash', () => {
    const key = { jhash: { mod: 2, expr: payload('ip', 'saddr') } };
    const data = {
      set: [
        [0, '10.5.0.1'],
        [1, '10.5.0.2'],
      ],
    };
    const [action] = actions({ dnat: { addr: { map: { key, data } } } });
    expect(action).toMatchObject({
      elements: null,
      targets: [
        { addresses: [['10.5.0.1', '10.5.0.1']] },
        { addresses: [['10.5.0.2', '10.5.0.2']] },
      ],
    });
  });

  it('chooses among verdicts by a key, or by chance', () => {
    const set = [
      [0, { goto: { target: 'a' } }],
      [1, { goto: { target: 'b' } }],
    ];
    const vmap = (key: unknown) => actions({ vmap: { key, data: { set } } })[0];
    const choices = [
      { does: 'goto', chain: 'a' },
      { does: 'goto', chain: 'b' },
    ];
    expect(vmap({ numgen: { mode: 'random', mod: 2 } })).toEqual({
      does: 'verdict map',
      fields: null,
      elements: choices.map((action) => ({ key: [], action })),
    });
    expect(vmap(meta('mark'))).toEqual({
      does: 'verdict map',
      fields: ['mark'],
      elements: choices.map((action, index) => ({ key: [[`${index}`, `${index}`]], action })),
    });
  });

  it('sets a mark to (mark & ~mask) ^ value', () => {
    const mark = (value: unknown) => actions({ mangle: { key: meta('mark'), value } })[0];
    const set = (mask: number, value: number) => ({ does: 'mark', mask, value });
    expect(mark({ '|': [meta('mark'), 0x4000] })).toEqual(set(0x4000, 0x4000));
    expect(mark({ '&': [meta('mark'), 0xffffbfff] })).toEqual(set(0x4000, 0));
    expect(mark({ '^': [meta('mark'), 0x8000] })).toEqual(set(0, 0x8000));
    expect(mark({ '|': [{ '&': [meta('mark'), 0xffff00ff] }, 0x80000200] })).toEqual(
      set(0x8000ff00, 0x80000200),
    );
    expect(mark({ ct: { key: 'mark' } })).toEqual({ does: 'mark unknown', field: 'mark' });
    expect(actions({ mangle: { key: { ct: { key: 'mark' } }, value: 5 } })).toEqual([
      { does: 'mark unknown', field: 'ct_mark' },
    ]);
  });

  it('is to go on where nothing decides', () => {
    expect(actions({ counter: null })).toEqual([{ does: 'continue' }]);
    expect(actions({ return: null })).toEqual([{ does: 'return' }]);
  });
});
