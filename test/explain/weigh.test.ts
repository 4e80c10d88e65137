import { describe, expect, it } from 'vitest';
import type { RuleFinding } from '../../src/explain/rule-findings.ts';
import type { Ledger } from '../../src/model/ledger.ts';
import type { Action, Term } from '../../src/model/ruleset.ts';
import { CLOCK_OFFSET } from '../export/fixtures.ts';
import {
  BY_RULE,
  COMPLETE,
  DPORT,
  explained,
  FIRST,
  type Given,
  LATER,
  masquerade,
  NEW,
  POSTROUTING,
  REDIRECT,
  REPLY,
  redirect,
} from './redirected.ts';
import { ADDRESS, flow, packet, rule } from './rows.ts';

/** The finding of rule 1; its sum is looked at each time. */
function one(given: Given, number = 1): RuleFinding {
  const found = explained(given).rules!.find((finding) => finding.rule === number)!;
  const sum = found.causes.reduce((all, { packets }) => all + (packets ?? 0), 0);
  expect(found.decided.packets + sum).toBe(found.couldMatch);
  return found;
}

/** `cause packets` of each, most important first. */
function causes({ causes: found }: RuleFinding): string[] {
  return found.map(({ cause, packets }) => `${cause} ${packets}`);
}

describe('a rule that decided', () => {
  const packets = [
    FIRST,
    packet(2n, 'output > postrouting rewritten', REPLY),
    packet(3n, 'prerouting rewritten > input', LATER),
    packet(4n, 'prerouting rewritten > input', LATER),
  ];
  const counted = { packets_before: 5n, packets_after: 6n };
  const found = one({ packets, flows: [flow(7n, BY_RULE)], rules: [redirect(1, counted)] });

  it('is told with its packets, its flow and the rest by cause', () => {
    expect(found.decided).toEqual({
      packets: 1,
      flows: 1,
      examples: ['flow 7: tcp 10.0.1.2:5001 > 10.0.1.1:2222'],
      evidence: ['1'],
    });
    expect(causes(found)).toEqual(['flow already mapped 2']);
    expect(found.causes[0]).toMatchObject({
      flows: 1,
      evidence: ['3', '4'],
      next: 'ip netns exec router conntrack -L -p tcp -s 10.0.1.2 -d 10.0.1.1 --sport 5001 --dport 2222',
    });
  });

  it("is held against the kernel's counter", () => {
    expect(found.counter).toEqual({
      ...{ before: 5, after: 6, delta: 1, seen: 1, agrees: true, why: '' },
    });
  });
});

describe('a cause alone', () => {
  const oneFlow = [flow(7n, BY_RULE)];

  it('flow already mapped', () => {
    const later = packet(2n, 'prerouting rewritten > input', LATER);
    expect(causes(one({ packets: [later], flows: oneFlow, rules: [redirect()] }))).toEqual([
      'flow already mapped 1',
    ]);
  });

  it('flow already mapped, by the flow that expected it', () => {
    const given = flow(7n, { status: 1, dst_rule: null });
    const found = one({ packets: [FIRST], flows: [given], rules: [redirect()] });
    expect(causes(found)).toEqual(['flow already mapped 1']);
    expect(found.causes[0]!.detail).toBe('with the flow that expected it');
  });

  it('reply direction, where the hook has a rule for everything', () => {
    const counter = rule(1, {}, { ...POSTROUTING, packets_before: 0n, packets_after: 0n });
    const found = one({
      packets: [FIRST, packet(2n, 'output > postrouting rewritten', REPLY)],
      flows: [flow(7n)],
      rules: [counter],
    });
    expect(causes(found)).toEqual(['reply direction 1']);
  });

  it('flow older than the rule, where the rule came later', () => {
    const added = { added_at: CLOCK_OFFSET + 500n * 1_000_000n };
    const found = one({
      packets: [
        packet(2n, 'prerouting > input', { ...LATER, started_at: CLOCK_OFFSET + 900_000_000n }),
      ],
      flows: [flow(7n, { dst_nat: 'null mapping', src_port_reply: 2222 })],
      rules: [redirect(1, added)],
    });
    expect(causes(found)).toEqual(['flow older than the rule 1']);
    expect(found.causes[0]!.next).toContain('conntrack -D -p tcp -s 10.0.1.2');
  });

  it('flow older than the rule, where it is older than the trace and not mapped so', () => {
    const older = { older: true, confirm: 'older', dst_nat: 'none', src_port_reply: 2222 };
    const packets = [packet(2n, 'prerouting > input', LATER)];
    expect(causes(one({ packets, flows: [flow(7n, older)], rules: [redirect()] }))).toEqual([
      'flow older than the rule 1',
    ]);
    const mapped = { ...older, dst_nat: 'older', src_port_reply: 9999 };
    expect(causes(one({ packets, flows: [flow(7n, mapped)], rules: [redirect()] }))).toEqual([
      'flow already mapped 1',
    ]);
  });

  it('earlier rule decided first', () => {
    const found = one({
      packets: [FIRST],
      flows: [flow(7n, { dst_rule: 0 })],
      rules: [redirect(0), redirect(1)],
    });
    expect(causes(found)).toEqual(['earlier rule decided first 1']);
    expect(found.causes[0]).toMatchObject({
      detail: 'ip nat prerouting handle 40: rule text 0',
      next: 'ip netns exec router nft -a list chain ip nat prerouting',
    });
  });

  it('earlier chain or priority decided first', () => {
    const early = { chain: 'early', priority: '-150' };
    const first = [FIRST];
    const mapped = { packets: first, flows: [flow(7n, { dst_rule: 0 })] };
    expect(causes(one({ ...mapped, rules: [redirect(0, early), redirect()] }))).toEqual([
      'earlier chain or priority decided first 1',
    ]);
  });

  it('earlier rule decided first, by letting through', () => {
    const accept = rule(0, { terms: [DPORT], actions: [{ does: 'accept' }] });
    const found = one({
      packets: [FIRST],
      flows: [flow(7n, { dst_nat: 'null mapping' })],
      rules: [accept, redirect()],
    });
    expect(causes(found)).toEqual(['earlier rule decided first 1']);
  });

  it('other rules backend decided first', () => {
    const legacy = { backend: 'legacy', chain: 'PREROUTING' };
    const found = one({
      packets: [FIRST],
      flows: [flow(7n, { dst_rule: 0 })],
      rules: [redirect(0, legacy), redirect()],
    });
    expect(causes(found)).toEqual(['other rules backend decided first 1']);
  });

  it.each([['output > postrouting', 'sent from here']])(
    "hook not on this packet's way: %s",
    (way, detail) => {
      const found = one({
        packets: [packet(1n, way, { ...NEW, dst_nat: 'none' })],
        flows: [flow(7n, { dst_nat: 'none' })],
        rules: [redirect()],
      });
      expect(causes(found)).toEqual(["hook not on this packet's way 1"]);
      expect(found.causes[0]!.detail).toBe(detail);
    },
  );

  it.each(['untracked', 'invalid'])('%s', (state) => {
    const given = { state, src: ADDRESS('10.0.1.2'), dst: ADDRESS('10.0.1.1'), dst_port: 2222 };
    const found = one({ packets: [packet(1n, 'prerouting > input', given)], rules: [redirect()] });
    expect(causes(found)).toEqual([`${state} 1`]);
    expect(found.causes[0]).toMatchObject({ flows: 0, examples: ['tcp 10.0.1.2 > 10.0.1.1:2222'] });
  });

  it('not seen by conntrack', () => {
    const given = { dst: ADDRESS('10.0.1.1'), dst_port: 2222 };
    const packets = [packet(1n, 'prerouting > input', given)];
    expect(causes(one({ packets, rules: [redirect()] }))).toEqual(['not seen by conntrack 1']);
  });

  it('dropped before the nat hook, there or on the way to it', () => {
    const drop = { verdict: 'drop', drop_reason: 'NETFILTER_DROP', drop_location: 'nf_hook_slow' };
    const raw = packet(1n, 'prerouting', { ...drop, dst: ADDRESS('10.0.1.1'), dst_port: 2222 });
    const found = one({ packets: [raw], rules: [redirect()] });
    expect(causes(found)).toEqual(['dropped before the nat hook 1']);
    expect(found.causes[0]!.detail).toBe('at prerouting: NETFILTER_DROP in nf_hook_slow');
    const forwarded = packet(1n, 'prerouting > forward', { ...NEW, ...drop, dst_nat: 'none' });
    const given = { src_nat: 'none', dst_nat: 'none', confirm: 'none' };
    const later = one({ packets: [forwarded], flows: [flow(7n, given)], rules: [masquerade()] });
    expect(causes(later)).toEqual(['dropped before the nat hook 1']);
    expect(later.causes[0]!.detail).toBe('at forward: NETFILTER_DROP in nf_hook_slow');
  });

  it('dropped before the nat hook, though the reset that answers it had its source decided', () => {
    const drop = { verdict: 'drop', drop_reason: 'NETFILTER_DROP', drop_location: 'nf_hook_slow' };
    const decided = { src_nat: 'none', dst_nat: 'null mapping' };
    const refused = packet(1n, 'prerouting chains > forward', { ...NEW, ...drop, ...decided });
    const given = { src_nat: 'null mapping', dst_nat: 'null mapping', confirm: 'none' };
    const found = one({ packets: [refused], flows: [flow(7n, given)], rules: [masquerade()] });
    expect(causes(found)).toEqual(['dropped before the nat hook 1']);
  });

  it.each(['none', 'refused', 'merged'])('confirmed nowhere: %s', (confirm) => {
    const counted = { packets_before: 0n, packets_after: 1n };
    const found = one({
      packets: [FIRST],
      flows: [flow(7n, { ...BY_RULE, confirm })],
      rules: [redirect(1, counted)],
    });
    expect(causes(found)).toEqual(['confirmed nowhere 1']);
    expect(found.counter).toMatchObject({ delta: 1, seen: 1, agrees: true });
  });

  it('other network namespace, outside the sum', () => {
    const found = one({
      packets: [packet(1n, 'prerouting > input', { ...NEW, netns: 4002 })],
      flows: [flow(7n, { netns: 4002 })],
      rules: [redirect(), redirect(2, { netns: 4002 })],
    });
    expect(found.couldMatch).toBe(0);
    expect(found.notes[0]).toMatchObject({
      cause: 'other network namespace',
      packets: 1,
      flows: 1,
      next: 'ip netns exec other nft -a list ruleset',
    });
  });

  it('other conntrack zone', () => {
    const terms = [DPORT, { unknown: 'ct zone 5' }];
    const found = one({
      packets: [packet(2n, 'prerouting > input', LATER)],
      flows: [flow(7n, { zone: 3 })],
      rules: [rule(1, { terms, actions: [REDIRECT] })],
    });
    expect(causes(found)).toEqual(['other conntrack zone 1']);
    expect(found.onlyIf).toEqual([{ condition: 'ct zone 5', packets: 1 }]);
  });

  it('bypassed by a flowtable, its packets unknown', () => {
    const given = { packets: [FIRST], flows: [flow(7n, { ...BY_RULE, status: 0x4000 })] };
    expect(one({ ...given, rules: [redirect()] }).notes).toMatchObject([
      { cause: 'bypassed by a flowtable', packets: null, flows: 1 },
    ]);
  });

  it('counter reset or rules reloaded', () => {
    const reset = { packets_before: 9n, packets_after: 2n };
    const found = one({ rules: [redirect(1, reset)] });
    expect(found.notes[0]).toMatchObject({
      cause: 'counter reset or rules reloaded',
      detail: 'its counter went from 9 to 2',
    });
    expect(found.counter).toMatchObject({ delta: -7, agrees: false });
    const [gone, again] = [{ removed_at: CLOCK_OFFSET + 5n }, { added_at: CLOCK_OFFSET + 9n }];
    const rules = [redirect(1, gone), redirect(2, { ...again, text: 'rule text 1' })];
    expect(one({ rules }).notes[0]!.detail).toBe(
      'the rule was loaded anew as ip nat prerouting handle 42',
    );
  });

  it('counter reset, where it rose by less than the rule decided', () => {
    const counted = { packets_before: 4n, packets_after: 5n };
    const firsts = [7n, 8n, 9n].map((number) => ({ ...NEW, flow: number }));
    const given = {
      packets: firsts.map((first, at) => packet(BigInt(at), 'prerouting chains > input', first)),
      flows: [7n, 8n, 9n].map((number) => flow(number, { dst_rule: 1 })),
    };
    const found = one({ ...given, rules: [redirect(1, counted)] });
    expect(found.notes).toMatchObject([
      {
        cause: 'counter reset or rules reloaded',
        detail: 'its counter rose by 1, the trace saw 3',
      },
    ]);
    expect(found.counter!.why).toBe('it was set to zero meanwhile, 2 missing');
  });

  it('no reset, where the counter stands behind the nat statement', () => {
    const counted = { packets_before: 0n, packets_after: 0n };
    const text = 'tcp dport 2222 redirect to :9999 counter comment "late"';
    const given = { packets: [FIRST], flows: [flow(7n, { dst_rule: 1 })] };
    const found = one({ ...given, rules: [redirect(1, { ...counted, text })] });
    expect(found.notes).toEqual([]);
    expect(found.counter!.why).toBe('it stands behind the statement that ends the rule');
  });

  it('no such traffic seen', () => {
    expect(one({ rules: [redirect()] }).notes).toMatchObject([{ cause: 'no such traffic seen' }]);
  });

  it('not explained, where the flow was decided by a rule that was not resolved', () => {
    const found = one({ packets: [FIRST], flows: [flow(7n)], rules: [redirect()] });
    expect(causes(found)).toEqual(['not explained 1']);
  });

  it('not explained, where the rule must have matched and another decided', () => {
    const other = rule(2, { actions: [REDIRECT] });
    const flows = [flow(7n, { dst_rule: 2 })];
    expect(causes(one({ packets: [FIRST], flows, rules: [redirect(), other] }))).toEqual([
      'not explained 1',
    ]);
  });
});

const LOST: Ledger = {
  ...COMPLETE,
  rows: [
    {
      ...{ cpu: 3, probe: 1, sent: 10, delivered: 8, ringFull: 2, callsFull: 0, evicted: 0 },
      ...{ missedReturn: 0, missedEntry: 0, flowsFull: 0, recursion: null },
    },
  ],
  lossWindow: { fromNs: '101', toNs: '202' },
};

describe('losses', () => {
  it('make packets that are torn, and those of torn flows, unknown', () => {
    const torn = packet(2n, 'prerouting > input', { ...LATER, complete: false });
    const found = one({
      packets: [FIRST, torn, packet(3n, 'prerouting > input', { ...LATER, flow: 8n })],
      flows: [flow(7n, BY_RULE), flow(8n, { complete: false })],
      rules: [redirect()],
      ledger: LOST,
    });
    expect(causes(found)).toEqual(['unknown 2']);
    expect(found.certainty).toBe('unknown');
    expect(found.notes).toMatchObject([{ cause: 'unknown', detail: '2 records were lost' }]);
    expect(found.decided.packets).toBe(1);
  });

  it('leave a rule certain that was loaded after them', () => {
    const later = { added_at: CLOCK_OFFSET + 1_000_000n };
    const rules = [redirect(1, later), redirect(2)];
    expect(one({ rules, ledger: LOST })).toMatchObject({
      certainty: 'known',
      notes: [{ cause: 'no such traffic seen' }],
    });
    expect(one({ rules, ledger: LOST }, 2)).toMatchObject({
      certainty: 'unknown',
      notes: [{ cause: 'unknown' }],
    });
  });
});

describe('a rule that the decision shows not to match', () => {
  it('is no rule that could have matched', () => {
    const unknown = rule(1, { terms: [{ unknown: 'meta skuid 5' }], actions: [REDIRECT] });
    const flows = [flow(7n, { dst_rule: 2 })];
    const rules = [unknown, redirect(2)];
    expect(one({ packets: [FIRST], flows, rules }).couldMatch).toBe(0);
    expect(one({ packets: [FIRST], flows, rules }, 2).decided.packets).toBe(1);
    const none = [flow(7n, { dst_nat: 'null mapping' })];
    expect(one({ packets: [FIRST], flows: none, rules: [unknown] }).couldMatch).toBe(0);
  });
});

describe('a rule that the kernel names', () => {
  it('decided, whatever evaluation says of it', () => {
    const terms = [{ fields: ['dst_port' as const], any: [[['7', '7']]] as const }];
    const found = one({
      packets: [FIRST],
      flows: [flow(7n, BY_RULE)],
      rules: [rule(1, { terms, actions: [REDIRECT] })],
    });
    expect(found).toMatchObject({ couldMatch: 1, decided: { packets: 1, flows: 1 } });
  });
});

describe('a rule that was added later', () => {
  const added = { added_at: CLOCK_OFFSET + 500_000_000n };
  const packets = [
    packet(2n, 'prerouting > input', { ...LATER, started_at: CLOCK_OFFSET + 900_000_000n }),
  ];

  it('is not too late for a flow that is mapped as it would map it', () => {
    const rules = [redirect(1, added)];
    const found = one({ packets, flows: [flow(7n, { dst_rule: null })], rules });
    expect(causes(found)).toEqual(['flow already mapped 1']);
    expect(found.causes[0]!.detail).toBe('before the rule was added');
  });

  it('is not too late where an earlier rule would decide anyway', () => {
    const flows = [flow(7n, { dst_nat: 'null mapping', src_port_reply: 2222 })];
    const rules = [rule(0, { actions: [{ does: 'accept' }] }), redirect(1, added)];
    expect(causes(one({ packets, flows, rules }))).toEqual(['flow already mapped 1']);
  });
});

describe('rules that change', () => {
  it('are held only against packets of their time', () => {
    const at = (ns: bigint) => ({ started_at: CLOCK_OFFSET + ns });
    const second = 1_000_000_000n;
    const rules = [
      redirect(1, { removed_at: CLOCK_OFFSET + 5n * second }),
      redirect(2, { added_at: CLOCK_OFFSET + 5n * second }),
    ];
    const given = {
      packets: [
        packet(1n, 'prerouting chains > input', { ...NEW, ...at(second) }),
        packet(2n, 'prerouting chains > input', { ...NEW, ...at(8n * second), flow: 8n }),
      ],
      flows: [
        flow(7n, { dst_rule: 1, first_at: CLOCK_OFFSET + second }),
        flow(8n, { dst_rule: 2, first_at: CLOCK_OFFSET + 8n * second }),
      ],
      rules,
    };
    expect(one(given)).toMatchObject({ couldMatch: 1, decided: { evidence: ['1'] } });
    expect(one(given, 2)).toMatchObject({ couldMatch: 1, decided: { evidence: ['2'] } });
  });
});

describe('packets of one flow, all alike, before and after a rule was added', () => {
  const second = 1_000_000_000n;
  const rules = [redirect(1, { added_at: CLOCK_OFFSET + 5n * second })];
  const packets = [1n, 4n, 6n, 7n, 8n].map((at) =>
    packet(at, 'prerouting > input', { ...LATER, started_at: CLOCK_OFFSET + at * second }),
  );
  const flows = [flow(7n, { dst_nat: 'null mapping', src_port_reply: 2222 })];
  const { netns } = packets[0] as { netns: number };

  it.each([
    ['by the rows of rules, read first', undefined],
    ['by changes told while packets come', [{ netns, atNs: 5n * second }]],
    [
      'by changes, of which another was in another namespace',
      [
        { netns: netns + 1, atNs: 7n * second },
        { netns, atNs: 5n * second },
      ],
    ],
  ])('are told apart: %s', (_, changes) => {
    const found = one({ packets, flows, rules, ...(changes === undefined ? {} : { changes }) });
    expect(causes(found)).toEqual(['flow older than the rule 3']);
    expect(found.causes[0]!.evidence).toEqual(['6', '7', '8']);
  });
});

describe('what is blamed', () => {
  const DICE: Term = { unknown: 'numgen random mod 2' };
  const dnat = (address: string): Action => ({
    does: 'nat',
    kind: 'dnat',
    manip: 'dst',
    addresses: [[address, address]],
    ports: [['9999', '9999']],
  });
  const away = { src_reply: ADDRESS('10.0.2.5'), src_port_reply: 9999 };

  it('is the rule that decided, each for its own packets', () => {
    const second = { ...NEW, flow: 8n };
    const found = one(
      {
        packets: [FIRST, packet(2n, 'prerouting chains rewritten > input', second)],
        flows: [flow(7n, { dst_rule: 1 }), flow(8n, { dst_rule: 2 })],
        rules: [
          rule(1, { terms: [DPORT, DICE], actions: [REDIRECT] }),
          rule(2, { terms: [DPORT, DICE], actions: [REDIRECT] }),
          redirect(3),
        ],
      },
      3,
    );
    expect(found.causes.map(({ packets, detail }) => [packets, detail.split(':')[0]])).toEqual([
      [1, 'ip nat prerouting handle 41'],
      [1, 'ip nat prerouting handle 42'],
    ]);
  });

  it('is no flow that a rule beside it mapped', () => {
    const older = { older: true, confirm: 'older', dst_nat: 'older', ...away };
    const found = one(
      {
        packets: [packet(2n, 'prerouting rewritten > input', LATER)],
        flows: [flow(7n, older)],
        rules: [
          rule(1, { terms: [DPORT, DICE], actions: [dnat('10.0.2.5')] }),
          rule(2, { terms: [DPORT], actions: [dnat('10.0.2.6')] }),
        ],
      },
      2,
    );
    expect(causes(found)).toEqual(['flow already mapped 1']);
  });

  it('is the rule that mapped the flow, where it is another', () => {
    const packets = [FIRST, packet(3n, 'prerouting rewritten > input', LATER)];
    const rules = [
      rule(1, { terms: [DPORT, DICE], actions: [REDIRECT] }),
      rule(2, { terms: [DPORT], actions: [REDIRECT] }),
    ];
    const [first, later] = one({ packets, flows: [flow(7n, BY_RULE)], rules }, 2).causes;
    const name = 'ip nat prerouting handle 41: rule text 1';
    expect([first?.cause, first?.detail]).toEqual(['earlier rule decided first', name]);
    expect([later?.cause, later?.detail]).toEqual(['flow already mapped', `by ${name}`]);
  });

  it('is no counter that was perhaps not come to', () => {
    const counted = { packets_before: 3n, packets_after: 3n };
    const side = { chain: 'side', hook: null, priority: null, policy: null };
    const found = one(
      {
        packets: [FIRST],
        flows: [flow(7n, { dst_rule: 3 })],
        rules: [
          rule(1, { terms: [{ unknown: 'mark 1' }], actions: [{ does: 'jump', chain: 'side' }] }),
          redirect(3),
          rule(2, {}, { ...counted, ...side }),
        ],
      },
      2,
    );
    expect(found).toMatchObject({ decided: { packets: 0 }, couldMatch: 0 });
    expect(found.counter).toMatchObject({ agrees: true });
  });

  it('is no traffic that the trace leaves out', () => {
    const found = one({ rules: [redirect()], facts: { sample: 100, filter: 'udp' } });
    expect(found.notes).toMatchObject([
      {
        cause: 'no such traffic seen',
        detail: 'one flow of 100 was traced, only "udp" was traced',
      },
    ]);
  });

  it('is looked at in the namespace and the zone of the flow', () => {
    const packets = [packet(2n, 'prerouting rewritten > input', LATER)];
    const given = { packets, flows: [flow(7n, { ...BY_RULE, zone: 9 })], rules: [redirect()] };
    expect(one({ ...given, facts: { netnsNames: {} } }).causes[0]!.next).toBe(
      "nsenter --net=/proc/$(lsns -n -t net -o NS,PID | awk '$1 == 4001 { print $2 }')/ns/net " +
        'conntrack -L -p tcp -s 10.0.1.2 -d 10.0.1.1 --sport 5001 --dport 2222 --zone 9',
    );
  });
});

describe('several causes', () => {
  it('add up, and what is wrong comes first', () => {
    const given = { dst: ADDRESS('10.0.1.1'), dst_port: 2222 };
    const found = one({
      packets: [
        FIRST,
        packet(2n, 'prerouting > input', LATER),
        packet(3n, 'prerouting > input', LATER),
        packet(4n, 'prerouting > input', { ...given, state: 'invalid' }),
        packet(5n, 'prerouting > input', { ...given, state: 'untracked' }),
        packet(6n, 'prerouting chains > input', { ...NEW, flow: 8n }),
        packet(7n, 'prerouting chains > input', { ...NEW, flow: 9n }),
      ],
      flows: [flow(7n, BY_RULE), flow(8n, { dst_rule: 0 }), flow(9n)],
      rules: [rule(0, { terms: [{ unknown: 'numgen' }], actions: [REDIRECT] }), redirect()],
    });
    expect(found.couldMatch).toBe(7);
    expect(causes(found)).toEqual([
      'not explained 1',
      'earlier rule decided first 1',
      'untracked 1',
      'invalid 1',
      'flow already mapped 2',
    ]);
  });
});

describe('a chain that two hooks lead to', () => {
  const jump = { actions: [{ does: 'jump' as const, chain: 'services' }] };
  const OUTPUT = { chain: 'output', hook: 'output' };
  const rules = [
    rule(2, jump),
    rule(3, jump, OUTPUT),
    redirect(1, { chain: 'services', hook: null, priority: null, policy: null }),
  ];

  it('counts a packet of both hooks once, as decided by it', () => {
    const out = { ...NEW, in_ifindex: 1, out_ifindex: 1 };
    const packets = [packet(1n, 'output chains rewritten > postrouting > prerouting > input', out)];
    const found = one({ packets, flows: [flow(7n, BY_RULE)], rules });
    expect(found).toMatchObject({ couldMatch: 1, decided: { packets: 1 }, causes: [] });
  });

  it('does not say of a packet of one hook that it missed the other', () => {
    const packets = [packet(3n, 'prerouting rewritten > forward > postrouting', LATER)];
    const found = one({ packets, flows: [flow(7n, BY_RULE)], rules });
    expect(causes(found)).toEqual(['flow already mapped 1']);
  });
});

describe('the number of a rule', () => {
  it('says nothing of the order: the row does', () => {
    const first = rule(9, { terms: [{ unknown: 'numgen' }], actions: [REDIRECT] }, { number: 1 });
    const rules = [first, redirect(1)];
    const given = { packets: [FIRST], flows: [flow(7n, { dst_rule: 9 })], rules };
    expect(causes(one(given))).toEqual(['earlier rule decided first 1']);
  });

  it('may be one of several of the same rule', () => {
    const again = redirect(5, { number: 2, handle: 41n, flows: 3n });
    const found = explained({
      packets: [FIRST],
      flows: [flow(7n, { dst_rule: 5 })],
      rules: [redirect(1, { flows: 2n }), again],
    }).rules!;
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({
      couldMatch: 1,
      decided: { packets: 1 },
      counts: { flows: 5 },
    });
  });
});

describe('a program that is no JSON', () => {
  it('is refused in one line', () => {
    expect(() => one({ rules: [redirect(1, { program: 'x{' })] })).toThrow(
      'rules.program of rule 1 is "x{", needed JSON',
    );
  });
});

describe('a bound', () => {
  it('of tuples without an entry: what is beyond it is only counted', () => {
    const given = { dst: ADDRESS('10.0.1.1'), dst_port: 2222 };
    const packets = [1, 2, 3].map((port) =>
      packet(BigInt(port), 'prerouting > input', { ...given, src_port: port }),
    );
    const found = explained({ packets, rules: [redirect()], maxTuples: 2 });
    expect(found.notHeld).toBe(1);
    expect(found.rules![0]!.couldMatch).toBe(2);
  });

  it('of rows: packets of a flow that has none are held against nothing', () => {
    expect(explained({ packets: [FIRST], rules: [redirect()] })).toMatchObject({ notHeld: 1 });
  });
});
