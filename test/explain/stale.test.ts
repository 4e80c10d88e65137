import { describe, expect, it } from 'vitest';
import { Evaluator } from '../../src/explain/evaluate.ts';
import { findStale, type Surroundings } from '../../src/explain/stale.ts';
import { staleText } from '../../src/explain/stale-text.ts';
import type { Entry } from '../../src/model/entry.ts';
import type { Chain } from '../../src/model/ruleset.ts';
import { deleteCommand, nameOptions } from '../../src/table/command.ts';
import {
  base,
  DROP,
  dnat,
  is,
  jump,
  marked,
  masquerade,
  chain as plainChain,
  RANDOM,
  redirect,
  rule,
  ruleset,
  setMark,
  snat,
} from './rules.ts';

const LOCAL = new Set(['10.0.1.1', '10.0.2.1', '127.0.0.1']);
const AROUND: Surroundings = {
  isLocal: (address) => LOCAL.has(address),
  addressesOf: (name) => ({ eth0: ['10.0.1.1'], eth1: ['10.0.2.1'] })[name],
};

/** `a:port > b:port` and its reply; without a reply a flow that nothing is mapped of. */
function entry(original: string, reply?: string, rest: Partial<Entry> = {}): Entry {
  const [from, to] = original.split(' > ');
  return {
    ...{ family: 4, protocol: 17, zones: [0, 0], mark: 0, isExpected: false, status: '' },
    original: tuple(original),
    reply: tuple(reply ?? `${to} > ${from}`),
    ...{ timeoutS: 30, packets: null, bytes: null, ageS: null },
    ...rest,
  };
}

function tuple(text: string) {
  const [, src = '', srcPort, dst = '', dstPort] = /^(.*):(\d+) > (.*):(\d+)$/.exec(text) ?? [];
  return { src, dst, srcPort: Number(srcPort), dstPort: Number(dstPort) };
}

function found(entries: Entry | Entry[], chains: Chain[], around: Partial<Surroundings> = {}) {
  const list = Array.isArray(entries) ? entries : [entries];
  return findStale(list, new Evaluator(ruleset(...chains)), { ...AROUND, ...around });
}

function kinds(one: Entry, chains: Chain[], around: Partial<Surroundings> = {}): string[] {
  return found(one, chains, around).stale.map(({ kind, manip }) => `${manip} ${kind}`);
}

const UDP = is('protocol', '17');
const TO_A = dnat('10.0.2.5:9999');
const TO_B = dnat('10.0.2.6:9999');
const PLAIN = entry('10.0.1.2:5001 > 10.0.1.1:53');
const AT_A = entry('10.0.1.2:5001 > 10.0.1.1:53', '10.0.2.5:9999 > 10.0.1.2:5001');
const pre = (...rules: Parameters<typeof base>[1]) => base('prerouting', rules);
const post = (...rules: Parameters<typeof base>[1]) => base('postrouting', rules);
const TO_53 = [UDP, is('dst_port', '53')];

describe('a mapped destination', () => {
  it('is as the rules would have it', () => {
    expect(kinds(AT_A, [pre(rule(...TO_53, TO_A))])).toEqual([]);
    expect(kinds(AT_A, [pre(rule(...TO_53, dnat('10.0.2.4-10.0.2.6:9000-9999')))])).toEqual([]);
  });

  it('is stale where the rule gives another target', () => {
    expect(kinds(AT_A, [pre(rule(...TO_53, TO_B))])).toEqual(['dst target gone']);
    expect(kinds(AT_A, [pre(rule(...TO_53, dnat('10.0.2.5:9998')))])).toEqual(['dst target gone']);
    expect(kinds(AT_A, [pre(rule(...TO_53, dnat('10.0.2.5')))])).toEqual(['dst target gone']);
  });

  it('is stale where no rule would map it', () => {
    expect(kinds(AT_A, [pre(rule(UDP, is('dst_port', '54'), TO_A))])).toEqual(['dst rule removed']);
    expect(kinds(AT_A, [])).toEqual(['dst rule removed']);
  });

  it('of another zone may be the work of others, where no chain is', () => {
    expect(kinds({ ...AT_A, zones: [4, 4] }, [])).toEqual([]);
  });

  it('is not stale while one possible outcome fits', () => {
    expect(kinds(AT_A, [pre(rule(RANDOM, TO_A), rule(TO_B))])).toEqual([]);
    expect(kinds(AT_A, [pre(rule(RANDOM, TO_B), rule(TO_B))])).toEqual(['dst target gone']);
    expect(kinds(AT_A, [pre(rule(RANDOM, dnat('10.0.2.7:1')))])).toEqual(['dst target gone']);
    expect(kinds(AT_A, [pre(rule(jump('not read')), rule(TO_B))])).toEqual([]);
  });

  it('of a redirect is a local address', () => {
    const here = entry('10.0.1.2:5001 > 10.0.9.9:53', '10.0.1.1:99 > 10.0.1.2:5001');
    expect(kinds(here, [pre(rule(...TO_53, redirect('99')))])).toEqual([]);
    expect(kinds(here, [pre(rule(...TO_53, redirect('98')))])).toEqual(['dst target gone']);
    expect(kinds(AT_A, [pre(rule(...TO_53, redirect('9999')))])).toEqual(['dst target gone']);
  });
});

describe('a null mapping', () => {
  it('is stale where a rule would certainly hold now', () => {
    expect(kinds(PLAIN, [pre(rule(...TO_53, TO_A))])).toEqual(['dst rule added']);
    expect(kinds(PLAIN, [pre(rule(...TO_53, RANDOM, TO_A))])).toEqual([]);
    expect(kinds(PLAIN, [pre(rule(RANDOM, DROP), rule(...TO_53, TO_A))])).toEqual([]);
  });

  it('is none where the rule maps to what it was', () => {
    expect(kinds(PLAIN, [pre(rule(...TO_53, dnat('10.0.1.1')))])).toEqual([]);
  });

  it('of a local flow is asked at output', () => {
    const own = entry('10.0.1.1:5001 > 10.0.9.9:53');
    expect(kinds(own, [pre(rule(...TO_53, TO_A))])).toEqual([]);
    expect(kinds(own, [base('output', [rule(...TO_53, TO_A)])])).toEqual(['dst rule added']);
  });

  it('of a flow of which it is not known whence it came must be wrong by both hooks', () => {
    const unknown = { isLocal: () => undefined };
    const output = base('output', [rule(TO_A)]);
    expect(kinds(PLAIN, [pre(rule(TO_A))], unknown)).toEqual([]);
    expect(kinds(PLAIN, [pre(rule(TO_A)), output], unknown)).toEqual(['dst rule added']);
  });
});

describe('a mapped source', () => {
  const masked = entry('10.0.1.2:5001 > 10.0.2.9:53', '10.0.2.9:53 > 10.0.2.1:5001');
  const out = { waysOf: () => ({ in: 'eth0', out: 'eth1' }) };

  it('is an address of the interface it leaves by', () => {
    const chains = [post(rule(is('out', 'eth1'), masquerade()))];
    expect(kinds(masked, chains, out)).toEqual([]);
    const moved = { ...masked, reply: { ...masked.reply, dst: '10.0.1.1' } };
    expect(kinds(moved, chains, out)).toEqual(['src target gone']);
    expect(kinds(moved, chains)).toEqual([]);
  });

  it('may have any port, unless the rule names one', () => {
    const other = { ...masked, reply: { ...masked.reply, dstPort: 1024 } };
    expect(kinds(other, [post(rule(masquerade()))])).toEqual([]);
    expect(kinds(other, [post(rule(snat('10.0.2.1:2000-2999')))])).toEqual(['src target gone']);
    const alone = entry('10.0.1.2:5001 > 10.0.2.9:53', '10.0.2.9:53 > 10.0.1.2:1024');
    expect(kinds(alone, [post()])).toEqual([]);
  });

  it('depends on the destination after its mapping, and on what was marked before', () => {
    const chains = [
      pre(rule(...TO_53, jump('mark')), rule(...TO_53, TO_A)),
      plainChain('mark', [rule(setMark(0x4000, 0x4000))]),
      post(rule(marked(0x4000, 0x4000), is('dst', '10.0.2.5'), masquerade())),
    ];
    expect(kinds(AT_A, chains)).toEqual(['src rule added']);
    expect(kinds(AT_A, [chains[0]!, chains[1]!, post(rule(marked(1, 1), masquerade()))])).toEqual(
      [],
    );
  });

  it('of a flow that ends here is asked at input', () => {
    expect(kinds(PLAIN, [base('input', [rule(snat('10.9.9.9'))])])).toEqual(['src rule added']);
    expect(kinds(PLAIN, [post(rule(snat('10.9.9.9')))])).toEqual([]);
  });

  it('over loopback is asked at postrouting', () => {
    const loop = entry('127.0.0.1:5001 > 127.0.0.1:53');
    expect(kinds(loop, [base('input', [rule(snat('10.9.9.9'))])])).toEqual([]);
    expect(kinds(loop, [post(rule(snat('10.9.9.9')))])).toEqual(['src rule added']);
  });
});

it('expected entries are counted and left out', () => {
  const report = found([AT_A, { ...AT_A, isExpected: true }], []);
  expect(report).toMatchObject({ entries: 2, expected: 1, stale: [{ kind: 'rule removed' }] });
});

describe('the command that deletes an entry', () => {
  const words = (one: Entry, hasZones = false) => nameOptions(one, hasZones).join(' ');

  it('names its original tuple', () => {
    expect(words(AT_A)).toBe('-f ipv4 -p udp -s 10.0.1.2 -d 10.0.1.1 --sport 5001 --dport 53');
    const echo = entry('fd00::1:321 > fd00::2:32769', undefined, { family: 6, protocol: 58 });
    expect(words(echo)).toBe(
      '-f ipv6 -p icmpv6 -s fd00::1 -d fd00::2 --icmpv6-type 128 --icmpv6-code 1 --icmpv6-id 321',
    );
    expect(words({ ...AT_A, protocol: 47 })).toContain('-p gre ');
    expect(words({ ...AT_A, protocol: 50 })).toMatch(/-p 50 -s \S+ -d \S+$/);
  });

  it('is our own where conntrack(8) does not compare what tells entries apart: keys of GRE', () => {
    expect(deleteCommand(['nsenter'], { ...AT_A, protocol: 47 }, false)).toBe(
      'nsenter conntrail table delete -f ipv4 -p gre -s 10.0.1.2 -d 10.0.1.1 --srckey 5001 --dstkey 53',
    );
  });

  it('names the zone wherever there are several', () => {
    expect(words({ ...AT_A, zones: [7, 7] }, true)).toMatch(/ -w 7$/);
    expect(words({ ...AT_A, zones: [8, 0] }, true)).toMatch(/-w 0 --orig-zone 8 --reply-zone 0$/);
    expect(words(AT_A, true)).toMatch(/-w 0 --orig-zone 0 --reply-zone 0$/);
  });
});

it('is told with what is stored, what the rules give now, and the command', () => {
  const { stale } = found(AT_A, [pre(rule(RANDOM, TO_B), rule(TO_B))]);
  const lines = staleText(stale[0]!, ['77s old', '3 packets/s'], 'conntrack -D').split('\n');
  expect(lines[0]).toBe('target gone: udp 10.0.1.2:5001 > 10.0.1.1:53, 77s old, 3 packets/s');
  expect(lines[1]).toBe('  stored: destination 10.0.1.1:53 mapped to 10.0.2.5:9999');
  expect(lines[2]).toMatch(
    /^ {2}now at prerouting: dnat to 10\.0\.2\.6:9999, by ip nat prerouting handle \d+ \(nft\): /,
  );
  expect(lines[3]).toMatch(/^ {4}or dnat to 10\.0\.2\.6:9999, by /);
  expect(lines[4]).toBe('  delete: conntrack -D');
});
