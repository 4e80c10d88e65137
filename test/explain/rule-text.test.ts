import { describe, expect, it } from 'vitest';
import { selectRule } from '../../src/explain/rule-selector.ts';
import { describeRules } from '../../src/explain/rule-text.ts';
import type { Row } from '../export/fixtures.ts';
import {
  BY_RULE,
  explained,
  FIRST,
  LATER,
  POSTROUTING,
  REDIRECT,
  REPLY,
  redirect,
} from './redirected.ts';
import { flow, packet, rule } from './rows.ts';

const still = { packets_before: 0n, packets_after: 0n };
const PACKETS = [
  FIRST,
  packet(2n, 'output > postrouting rewritten', REPLY),
  packet(3n, 'prerouting rewritten > input', LATER),
  packet(4n, 'output > postrouting rewritten', REPLY),
];

function text(rules: Row[], isFull = false): string {
  const found = explained({ packets: PACKETS, flows: [flow(7n, BY_RULE)], rules }).rules!;
  return describeRules(found, { isFull });
}

describe('the text of a rule', () => {
  it('answers in its first line why the counter stands still', () => {
    const counter = rule(2, {}, { ...POSTROUTING, ...still, handle: 9n });
    expect(text([counter])).toBe(
      [
        'ip nat postrouting handle 9: counter did not move: all 2 packets that could have matched are in reply direction: reversed from the stored mapping, never evaluated',
        '  rule text 2',
        '  kernel counter: 0 -> 0 (+0), as the trace saw',
        '  could match: 2 packets, 0 matched',
        '    2 are in reply direction: reversed from the stored mapping, never evaluated',
        '      packets 2, 4; flow 7: tcp 10.0.1.2:5001 > 10.0.1.1:2222',
        '      next: ip netns exec router conntrack -L -p tcp -s 10.0.1.2 -d 10.0.1.1 --sport 5001 --dport 2222',
        '',
      ].join('\n'),
    );
  });

  it('has its true count beside the counter of the kernel', () => {
    const counts = { flows: 1n, packets: 20n, packets_reply: 18n, bytes: 1200n, bytes_reply: 900n };
    const counted = { packets_before: 3n, packets_after: 6n, counted_by: 'packets', ...counts };
    expect(text([redirect(1, counted)])).toBe(
      [
        'ip nat prerouting handle 41: counter moved by 3: 1 flow decided, 2 packets could have matched',
        '  rule text 1',
        '  kernel counter: 3 -> 6 (+3), the trace saw 1; not explained: 2 more than were seen',
        '  true count: 1 flow, 20 packets (1200 bytes), 18 in reply (900 bytes), counted by packets',
        '  could match: 2 packets, 1 decided by it (1 flow)',
        '    1 belongs to a flow already mapped: decided once, at its first packet',
        '      packets 3; flow 7: tcp 10.0.1.2:5001 > 10.0.1.1:2222',
        '      next: ip netns exec router conntrack -L -p tcp -s 10.0.1.2 -d 10.0.1.1 --sport 5001 --dport 2222',
        '',
      ].join('\n'),
    );
  });

  it('folds rules that met nothing, where there are more than a few', () => {
    const terms = [{ fields: ['dst_port' as const], any: [[['7', '7']]] as const }];
    const idle = [2, 3, 4, 5].map((number) => rule(number, { terms, actions: [REDIRECT] }));
    expect(text([redirect(), ...idle])).toMatch(
      /\n\n4 more rules: no such traffic seen, no counter moved \(ip nat prerouting handle 42, .*\n$/,
    );
    expect(text([redirect(), ...idle.slice(1)])).not.toContain('more rules');
  });

  it('is of a dozen rules at most, the others are counted', () => {
    const many = Array.from({ length: 15 }, (_, number) => redirect(number + 1));
    expect(text(many)).toMatch(
      /\n\nand 3 more rules, 2 of which stood still: --json has all of them, --rule <rule> shows one\n$/,
    );
  });

  it('says what must hold besides, where the trace cannot tell', () => {
    const terms = [{ fields: ['in' as const], any: [[['eth7', 'eth7']]] as const }];
    expect(text([rule(1, { terms }, { ...POSTROUTING, ...still })], true)).toContain(
      'of the 3 that could match, 2 only if in is eth7',
    );
  });
});

describe('a rule is meant by', () => {
  const rules = explained({
    rules: [
      redirect(1),
      redirect(2, { netns: 4002 }),
      redirect(3, {
        ...{ backend: 'legacy', chain: 'PREROUTING', handle: 496n },
        text: '-p tcp --comment "to the proxy" -j REDIRECT',
      }),
    ],
  }).rules!;

  it.each([
    ['ip nat prerouting handle 41', 1],
    ['nat/prerouting/42', 2],
    ['41', 1],
    ['nat/PREROUTING/4', 3],
    ['other: ip nat prerouting handle 42', 2],
    ['other:nat/prerouting/42', 2],
    ['to the proxy', 3],
  ])('%s', (selector, number) => {
    expect(selectRule(rules, selector).rule).toBe(number);
  });

  it('no other text, and by none that means several', () => {
    expect(() => selectRule(rules, 'nat/prerouting/1')).toThrow(
      '--rule: found "nat/prerouting/1", needed one of "router: ip nat prerouting handle 41", ',
    );
    expect(() => selectRule(rules, 'nat/PREROUTING/9')).toThrow(
      /^--rule: found "nat\/PREROUTING\/9", needed one of "router: nat\/PREROUTING\/4"$/,
    );
    expect(() => selectRule([...rules, rules[0]!], '41')).toThrow('that is 2 rules, needed one of');
    expect(() => selectRule([], '41')).toThrow('--rule: found "41", the trace has no rules');
  });
});
