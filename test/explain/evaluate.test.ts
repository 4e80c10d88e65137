import { describe, expect, it } from 'vitest';
import { type Asked, Evaluator } from '../../src/explain/evaluate.ts';
import type { Chain, Target, Term } from '../../src/model/ruleset.ts';
import {
  ACCEPT,
  asked,
  base,
  chain,
  DROP,
  dnat,
  goTo,
  is,
  isNot,
  jump,
  marked,
  masquerade,
  RANDOM,
  RETURN,
  redirect,
  rule,
  ruleset,
  setMark,
} from './rules.ts';

const TCP = is('protocol', '6');
const TO_A = dnat('10.0.2.5:9999');
const TO_B = dnat('10.0.2.6:9998');

function ask(chains: readonly Chain[], changes: Partial<Asked> = {}) {
  return new Evaluator(ruleset(...chains)).ask(asked(changes));
}

function targetText({ addresses, ports, kind }: Target): string {
  return `${kind} ${addresses?.[0]?.[0] ?? ''}:${ports?.[0]?.[0] ?? ''}`;
}

/** `dnat 10.0.2.5:9999`, or `null` for a null mapping; several targets of one rule with `|`. */
function decided(chains: readonly Chain[], changes: Partial<Asked> = {}): string[] {
  return ask(chains, changes).decisions.map(({ rule: by, targets }) =>
    by === null ? 'null' : targets.map(targetText).join(' | '),
  );
}

const A = 'dnat 10.0.2.5:9999';
const B = 'dnat 10.0.2.6:9998';

describe('a chain', () => {
  const chains = [
    base('prerouting', [
      rule(TCP, is('dst_port', '80'), TO_A),
      rule(TCP, is('dst_port', '2222'), TO_B),
      rule(TO_A),
    ]),
  ];

  it('decides by the first rule that holds, and tells those behind it', () => {
    const outcome = ask(chains);
    expect(outcome.met).toMatchObject([{ rule: { number: 2 }, truth: 'yes', path: [] }]);
    expect(outcome.shadowed).toMatchObject([
      { rule: { number: 3 }, truth: 'yes', by: { rule: { number: 2 } } },
    ]);
    expect(decided(chains)).toEqual([B]);
  });

  it('decides nothing at a hook, or for a family, that it is not for', () => {
    expect(ask(chains, { hook: 'output' })).toMatchObject({ chains: 0, decisions: [] });
    const v6 = { family: 6, src: 'fd00::1', dst: 'fd00::2' } as const;
    expect(ask(chains, v6)).toMatchObject({ chains: 0, decisions: [] });
    expect(ask([base('prerouting', [], { family: 'inet' })], v6).chains).toBe(1);
  });

  it('leaves a null mapping where no rule holds', () => {
    expect(decided([base('prerouting', [rule(is('dst_port', '81'), TCP, TO_A)])])).toEqual([
      'null',
    ]);
  });

  it('goes on past a rule that does nothing', () => {
    const chains = [base('prerouting', [rule({ does: 'continue' }), rule(TO_A)])];
    expect(decided(chains)).toEqual([A]);
    expect(ask(chains).others).toMatchObject([{ rule: { number: 1 }, truth: 'yes' }]);
  });
});

describe('a rule that cannot be evaluated', () => {
  it('may decide, and so may what follows', () => {
    const chains = [base('prerouting', [rule(RANDOM, TO_A), rule(TO_B), rule(TO_A)])];
    const outcome = ask(chains);
    expect(outcome.met.map(({ truth }) => truth)).toEqual(['maybe', 'maybe']);
    expect(outcome.shadowed).toMatchObject([{ rule: { number: 3 }, by: { rule: { number: 2 } } }]);
    expect(decided(chains)).toEqual([A, B]);
  });

  it('is certain where another term does not hold', () => {
    expect(decided([base('prerouting', [rule(RANDOM, is('dst', '9.9.9.9'), TO_A)])])).toEqual([
      'null',
    ]);
  });

  it('does not make the first rule of a chain doubtful that only may be entered', () => {
    const chains = [
      base('prerouting', [rule(RANDOM, jump('pod'))]),
      chain('pod', [rule(TO_A), rule(TO_B)]),
    ];
    expect(decided(chains)).toEqual([A, 'null']);
    expect(ask(chains).shadowed).toMatchObject([{ rule: { number: 2 }, truth: 'maybe' }]);
  });

  it('makes what follows a possible return or accept doubtful', () => {
    for (const action of [RETURN, ACCEPT]) {
      const outcome = ask([base('prerouting', [rule(RANDOM, action), rule(TO_A)])]);
      expect(outcome.met).toMatchObject([{ truth: 'maybe' }]);
      expect(outcome.decisions).toHaveLength(2);
    }
  });
});

describe('jump, goto, return, accept, drop', () => {
  const services = chain('services', [
    rule(is('dst_port', '53'), RETURN),
    rule(is('dst_port', '2222'), TCP, TO_A),
  ]);

  it('a jump comes back, and the path to a rule is told', () => {
    const chains = [base('prerouting', [rule(jump('services')), rule(TO_B)]), services];
    expect(decided(chains)).toEqual([A]);
    expect(ask(chains).met).toMatchObject([{ path: [{ number: 1 }], chain: { name: 'services' } }]);
    expect(decided(chains, { dstPort: 53 })).toEqual([B]);
    expect(decided(chains, { dstPort: 54 })).toEqual([B]);
  });

  it('a goto does not come back', () => {
    const chains = [base('prerouting', [rule(goTo('services')), rule(TO_B)]), services];
    expect(decided(chains, { dstPort: 54 })).toEqual(['null']);
    expect(ask(chains, { dstPort: 54 }).shadowed).toMatchObject([
      { rule: { number: 2 }, by: { rule: { number: 1 } } },
    ]);
  });

  it('a goto in a chain that was jumped to comes back to the jump', () => {
    const chains = [
      base('prerouting', [rule(jump('middle')), rule(TO_B)]),
      chain('middle', [rule(goTo('services')), rule(TO_A)]),
      services,
    ];
    expect(decided(chains, { dstPort: 54 })).toEqual([B]);
  });

  it('an accept ends its base chain, and the next base chain is asked', () => {
    const first = base('prerouting', [rule(jump('ours')), rule(TO_A)], { priority: -110 });
    const second = base('prerouting', [rule(TO_B)], { table: 'later' });
    const chains = [first, chain('ours', [rule(ACCEPT)]), second];
    expect(decided(chains)).toEqual([B]);
    expect(ask(chains).shadowed).toMatchObject([
      { rule: { number: 2 }, by: { rule: { actions: [ACCEPT] } } },
    ]);
  });

  it('a later base chain is not asked once one has decided', () => {
    const chains = [
      base('prerouting', [rule(TO_A)]),
      base('prerouting', [rule(TO_B)], { table: 'later' }),
    ];
    expect(decided(chains)).toEqual([A]);
    expect(ask(chains).shadowed).toMatchObject([{ chain: { table: 'later' } }]);
  });

  it('a drop, of a rule or of the policy, leaves nothing to decide', () => {
    const later = base('prerouting', [rule(TO_B)], { table: 'later' });
    for (const first of [
      base('prerouting', [rule(DROP)]),
      base('prerouting', [], { policy: 'drop' }),
    ]) {
      expect(ask([first, later])).toMatchObject({ decisions: [], mayDrop: true });
    }
    const returned = base('prerouting', [rule(RETURN)], { policy: 'drop' });
    expect(ask([returned, later])).toMatchObject({ decisions: [], mayDrop: true });
    const accepted = base('prerouting', [rule(ACCEPT)], { policy: 'drop' });
    expect(decided([accepted, later])).toEqual([B]);
  });

  it('a chain that is not there leaves the outcome open', () => {
    expect(ask([base('prerouting', [rule(jump('gone'))])]).isOpen).toBe(true);
  });

  it('chains that lead to themselves end', () => {
    const chains = [base('prerouting', [rule(jump('a'))]), chain('a', [rule(jump('a'))])];
    expect(ask(chains)).toMatchObject({ isOpen: true });
  });
});

describe('marks', () => {
  const chains = [
    base('postrouting', [rule(jump('KUBE-POSTROUTING'))]),
    chain('KUBE-POSTROUTING', [
      rule(marked(0, 0x4000), RETURN),
      rule(setMark(0x4000, 0x4000)),
      rule(masquerade()),
    ]),
  ];
  const at = { hook: 'postrouting' } as const;

  it('are compared after their mask', () => {
    expect(decided(chains, { ...at, mark: 0x4001 })).toEqual(['masquerade :']);
    expect(decided(chains, { ...at, mark: 1 })).toEqual(['null']);
  });

  it('are not known bit by bit', () => {
    const { mark: _, ...unmarked } = asked(at);
    const evaluator = new Evaluator(ruleset(...chains));
    expect(evaluator.ask(unmarked).decisions).toHaveLength(2);
    const masked = { ...unmarked, mark: 0x4000, markMask: 0x4000 };
    expect(evaluator.ask(masked).decisions).toHaveLength(1);
  });

  it('are set for the rules that follow, as (mark & ~mask) ^ value', () => {
    const marks = [
      base('prerouting', [
        rule(is('dst_port', '2222'), TCP, jump('KUBE-MARK-MASQ')),
        rule(marked(0x4003, 0xffffffff), TO_A),
      ]),
      chain('KUBE-MARK-MASQ', [rule(setMark(0x4000, 0x4000))]),
    ];
    expect(ask(marks, { mark: 3 })).toMatchObject({ mark: 0x4003, markMask: 0xffffffff });
    expect(decided(marks, { mark: 3 })).toEqual([A]);
    expect(decided(marks, { mark: 3, dstPort: 1 })).toEqual(['null']);
    const { mark: _, ...unmarked } = asked();
    const outcome = new Evaluator(ruleset(...marks)).ask(unmarked);
    expect(outcome).toMatchObject({ mark: 0x4000, markMask: 0x4000 });
  });

  it('that are set perhaps are known no more', () => {
    const chains = [base('prerouting', [rule(RANDOM, setMark(6, 2)), rule({ does: 'continue' })])];
    expect(ask(chains)).toMatchObject({ mark: 0, markMask: 0xfffffff9 });
  });
});

describe('maps', () => {
  const vmap = rule({
    does: 'verdict map',
    fields: ['dst', 'protocol', 'dst_port'],
    elements: [
      {
        key: [
          ['10.0.1.1', '10.0.1.1'],
          ['6', '6'],
          ['2222', '2222'],
        ],
        action: goTo('pod'),
      },
      {
        key: [
          ['10.0.1.0', '10.0.1.9'],
          ['6', '6'],
          ['2222', '2222'],
        ],
        action: DROP,
      },
    ],
  });

  it('of verdicts give the first element that holds', () => {
    const chains = [base('prerouting', [vmap, rule(TO_B)]), chain('pod', [rule(TO_A)])];
    expect(decided(chains)).toEqual([A]);
    expect(decided(chains, { dst: '10.0.1.7' })).toEqual([]);
    expect(decided(chains, { dst: '10.0.2.7' })).toEqual([B]);
  });

  it('whose key cannot be evaluated give any element, or none', () => {
    const elements = ['0', '1'].map((key) => ({
      key: [[key, key] as const],
      action: goTo(`pod${key}`),
    }));
    const random = rule({ does: 'verdict map', fields: null, elements });
    const chains = [
      base('prerouting', [random]),
      chain('pod0', [rule(TO_A)]),
      chain('pod1', [rule(TO_B)]),
    ];
    expect(decided(chains)).toEqual([A, B, 'null']);
    const covered = {
      ...random,
      text: 'numgen random mod 2 vmap { 0 : goto pod0, 1 : goto pod1 }',
    };
    const all = [base('prerouting', [covered]), ...chains.slice(1)];
    expect(decided(all)).toEqual([A, B]);
    expect(ask(all).met.map(({ truth }) => truth)).toEqual(['maybe', 'maybe']);
  });

  it('of targets decide by their key alone', () => {
    const toMap = rule({
      does: 'nat map',
      fields: ['dst_port'],
      elements: [
        { key: [['80', '80']], to: TO_A },
        { key: [['2000', '3000']], to: TO_B },
      ],
      targets: [TO_A, TO_B],
    });
    expect(decided([base('prerouting', [rule(TCP, ...toMap.actions)])])).toEqual([B]);
    expect(decided([base('prerouting', [toMap])], { dstPort: 80 })).toEqual([A]);
    const none = ask([base('prerouting', [toMap])], { dstPort: 81 });
    expect(none).toMatchObject({ met: [], others: [{ rule: { number: 1 } }] });
    expect(none.decisions).toMatchObject([{ rule: null }]);
  });

  it('of targets without a key give any target', () => {
    const action = { does: 'nat map', fields: [], elements: null, targets: [TO_A, TO_B] } as const;
    expect(decided([base('prerouting', [rule(action)])])).toEqual([`${A} | ${B}`, 'null']);
  });
});

describe('terms', () => {
  const holds = (term: Term, changes: Partial<Asked> = {}) => {
    const chains = [base('prerouting', [rule(term, redirect('99'))], { family: 'inet' })];
    return ask(chains, changes).met[0]?.truth ?? 'no';
  };

  it('compare addresses and ports as numbers', () => {
    expect(holds(is('src', '10.0.0.200-10.0.1.2'))).toBe('yes');
    expect(holds(is('src', '10.0.1.3-10.0.1.20'))).toBe('no');
    expect(holds(is('dst_port', '80', '1000-9999'))).toBe('yes');
    expect(holds(isNot('dst_port', '1000-9999'))).toBe('no');
  });

  it('compare IPv6, and never with IPv4', () => {
    const v6 = { family: 6, src: 'fd00::1:2', dst: 'fd00::9' } as const;
    expect(holds(is('src', 'fd00::-fd00::ffff:ffff'), v6)).toBe('yes');
    expect(holds(is('src', 'fd00::1:3-fd00::ffff:ffff'), v6)).toBe('no');
    expect(holds(is('src', '0.0.0.0-255.255.255.255'), v6)).toBe('no');
    expect(holds(isNot('src', '10.0.0.1'), v6)).toBe('no');
    expect(holds(isNot('src', '10.0.0.1'))).toBe('yes');
  });

  it('know that a hook has no such interface', () => {
    expect(holds(is('in', 'eth*'))).toBe('yes');
    expect(holds(is('in', 'eth'))).toBe('no');
    expect(holds(isNot('out', 'eth1'))).toBe('yes');
    const { in: _, ...rest } = asked();
    const chains = [base('prerouting', [rule(is('in', 'eth0'), TO_A)])];
    expect(new Evaluator(ruleset(...chains)).ask(rest).met[0]?.truth).toBe('maybe');
  });

  it('do not read ports out of a protocol that has none', () => {
    const chains = [
      base('prerouting', [
        rule(is('dst_port', '2048'), TO_A),
        rule(TCP, is('dst_port', '2048'), TO_B),
      ]),
    ];
    expect(decided(chains, { protocol: 1, dstPort: 2048 })).toEqual([A, 'null']);
  });

  it('know local addresses, and those that are never local', () => {
    const isLocal = (address: string) => address === '10.0.1.1';
    expect(holds(is('dst_type', 'local'))).toBe('maybe');
    expect(holds(is('dst_type', 'local'), { isLocal })).toBe('yes');
    expect(holds(is('src_type', 'local'), { isLocal })).toBe('no');
    expect(holds(is('dst_type', 'local'), { dst: '224.0.0.251' })).toBe('no');
    expect(holds(is('dst_type', 'multicast'), { dst: 'ff02::1', family: 6 })).toBe('yes');
    expect(holds(is('dst_type', 'local'), { dst: '127.0.0.53' })).toBe('yes');
  });

  it('of several fields hold together', () => {
    const term = {
      fields: ['dst', 'dst_port'],
      any: [
        [
          ['10.0.1.1', '10.0.1.1'],
          ['80', '80'],
        ],
        [
          ['10.0.1.9', '10.0.1.9'],
          ['2222', '2222'],
        ],
      ],
    } as const;
    expect(holds(term)).toBe('no');
    expect(holds(term, { dstPort: 80 })).toBe('yes');
    expect(holds({ ...term, not: true })).toBe('yes');
  });

  it('of large sets are looked up, their ranges compared', () => {
    const many = Array.from({ length: 300 }, (_, index) => `10.7.${index >> 8}.${index & 255}`);
    expect(holds(is('src', ...many, '10.0.1.0-10.0.1.9'))).toBe('yes');
    expect(holds(is('src', ...many), { src: '10.7.1.40' })).toBe('yes');
    expect(holds(isNot('src', ...many), { src: '10.7.1.40' })).toBe('no');
    expect(holds(is('src', ...many))).toBe('no');
  });

  it('an empty set holds nothing', () => {
    expect(holds({ fields: ['src'], any: [] })).toBe('no');
    expect(holds({ fields: ['src'], any: [], not: true })).toBe('yes');
  });
});

it('a target of the other family is passed over in a table inet', () => {
  const chains = [base('prerouting', [rule(TO_A), rule(redirect('99'))], { family: 'inet' })];
  expect(decided(chains, { family: 6, src: 'fd00::1', dst: 'fd00::2' })).toEqual(['redirect :99']);
});
