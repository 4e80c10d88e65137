import { describe, expect, it } from 'vitest';
import { Account } from '../../src/explain/account.ts';
import { describeFindings } from '../../src/explain/describe.ts';
import { type Findings, findingsOf } from '../../src/explain/findings.ts';
import type { Ledger } from '../../src/model/ledger.ts';
import type { Row } from '../export/fixtures.ts';
import { ADDRESS, flow, flowsOf, packet, packetsOf } from './rows.ts';

const LEDGER: Ledger = { rows: [], lossWindow: null, conntrackStats: null };

function explained(packets: Row[], flows: Row[], ledger: Ledger | null = LEDGER): Findings {
  const account = new Account();
  account.addPackets(packetsOf(...packets));
  account.addFlows(flowsOf(...flows));
  account.finish();
  return findingsOf(account, ledger, () => 'router');
}

/** A redirect to a local service: the first packet, two later ones, and three replies. */
const FIRST = packet(1n, 'prerouting chains rewritten > input', {
  flow: 7n,
  direction: 'original',
  state: 'new',
  dst_nat: 'rule',
  src_nat: 'null mapping',
  confirm: 'inserted',
});
const LATER = { flow: 7n, direction: 'original', state: 'established', dst_nat: 'mapping' };
const REPLY = { flow: 7n, direction: 'reply', state: 'established', src_nat: 'mapping' };
const REDIRECT = [
  FIRST,
  packet(2n, 'output > postrouting rewritten', REPLY),
  packet(3n, 'prerouting rewritten > input', LATER),
  packet(4n, 'output > postrouting rewritten', REPLY),
  packet(5n, 'prerouting rewritten > input', LATER),
  packet(6n, 'output > postrouting rewritten', REPLY),
];

describe('the text of a redirect', () => {
  const text = describeFindings(explained(REDIRECT, [flow(7n)]), 10);

  it('says why the counters of output and postrouting stay', () => {
    const why = 'are in reply direction: they follow the stored mapping, no rule is evaluated';
    expect(text).toContain(`output: no nat counter moved, because all 3 packets ${why}\n`);
    expect(text).toContain(`postrouting: no nat counter moved, because all 3 packets ${why}\n`);
  });

  it('says for whom the chains ran, and why not for the others', () => {
    expect(text).toContain(
      [
        '  prerouting: nat chains ran for 1 of 3 packets',
        '    2 belong to a flow already mapped: decided at its first packet, the stored mapping is used since',
        '  input: no nat counter moved, nat chains ran for none of 3 packets',
        '    2 belong to a flow already mapped: decided at its first packet, the stored mapping is used since',
        '    1 had no nat chain to ask at this hook',
      ].join('\n'),
    );
  });

  it('says what became of the flow', () => {
    expect(text).toContain(
      'flow 7 in router: tcp 10.0.1.2:5001 > 10.0.1.1:2222, reply 10.0.1.1:9999 > 10.0.1.2:5001; ' +
        'src null mapping, dst decided by a rule. 6 packets: nat chains ran for 1 at prerouting, ' +
        '5 used the stored mapping (2 original, 3 reply).\n',
    );
  });
});

describe('the text', () => {
  it('speaks of one packet in the singular', () => {
    const text = describeFindings(explained([REDIRECT[1]!], [flow(7n)]), 10);
    expect(text).toContain('router: 1 packet\n');
    expect(text).toContain('because its one packet is in reply direction');
  });

  it('says that forward has no chains, whatever passed', () => {
    const text = describeFindings(explained([packet(1n, 'forward', { state: 'none' })], []), 10);
    expect(text).toContain('forward: 1 packet, nat has no chain at this hook');
  });

  it.each([
    ['none', 'It was never confirmed.'],
    ['refused', 'The kernel refused to put it into its table.'],
    ['merged', 'It met an equal flow in the table, and its packet went on as one of that flow.'],
  ])('says of a flow with confirm %s what came of it', (confirm, sentence) => {
    expect(describeFindings(explained([FIRST], [flow(7n, { confirm })]), 10)).toContain(sentence);
  });

  it('says that records about a flow were lost', () => {
    const text = describeFindings(explained([FIRST], [flow(7n, { complete: false })]), 10);
    expect(text).toContain('Records about it were lost.');
  });

  it('begins with the losses, and the time of them', () => {
    const row = { cpu: 0, probe: 1, sent: 9, delivered: 6, ringFull: 3, callsFull: 0 };
    const none = { missedReturn: 0, missedEntry: 0, flowsFull: 0, recursion: null, evicted: 0 };
    const ledger = {
      ...LEDGER,
      rows: [{ ...row, ...none }],
      lossWindow: { fromNs: '11', toNs: '22' },
    };
    expect(describeFindings(explained([FIRST], [], ledger), 10)).toMatch(
      /^unknown: 3 records were lost from 11 to 22 ns since boot; counts are what was seen\n/,
    );
    expect(describeFindings(explained([FIRST], [], null), 10)).toMatch(
      /^unknown: the trace was cut short; counts are what was seen\n/,
    );
  });

  it('ends with how many flows it left out', () => {
    const findings = explained([], [flow(1n), flow(2n), flow(3n, { dst: ADDRESS('fd00::1') })]);
    expect(describeFindings(findings, 1)).toMatch(/\nand 2 more flows\n$/);
    expect(describeFindings(findings, 2)).toMatch(/\nand 1 more flow\n$/);
    expect(describeFindings(findings, 3)).not.toContain('more flow');
  });
});

describe('packets that end at a hook', () => {
  const dropped = packet(1n, 'prerouting chains > forward', {
    flow: 7n,
    direction: 'original',
    state: 'new',
    verdict: 'drop',
    dst_nat: 'rule',
    drop_reason: 'NETFILTER_DROP',
    drop_location: 'nf_hook_slow',
  });

  it('are told with reason and place', () => {
    const text = describeFindings(explained([dropped], [flow(7n)]), 0);
    expect(text).toMatch(
      / {2}forward: 1 packet, .*\n {4}1 dropped here: NETFILTER_DROP in nf_hook_slow\n/,
    );
  });

  it('and nothing seen is told too', () => {
    expect(describeFindings(explained([], []), 0)).toMatch(/^no packet was seen: /);
  });
});

describe('the findings as JSON', () => {
  it('keep their shape', () => {
    const findings = explained([FIRST, REDIRECT[1]!], [flow(7n)]);
    expect(JSON.parse(JSON.stringify(findings))).toEqual({
      certainty: 'known',
      lost: 0,
      lossWindow: null,
      namespaces: [
        {
          netns: 4001,
          name: 'router',
          packets: 2,
          torn: 0,
          hooks: [
            {
              hook: 'prerouting',
              packets: 1,
              chainsRan: 1,
              evidence: ['1'],
              skipped: [],
              dropped: [],
            },
            {
              hook: 'input',
              packets: 1,
              chainsRan: 0,
              evidence: [],
              skipped: [{ cause: 'no nat chain here', packets: 1, evidence: ['1'] }],
              dropped: [],
            },
            ...['output', 'postrouting'].map((hook) => ({
              hook,
              packets: 1,
              chainsRan: 0,
              evidence: [],
              skipped: [{ cause: 'reply direction', packets: 1, evidence: ['2'] }],
              dropped: [],
            })),
          ],
        },
      ],
      flows: [
        {
          flow: '7',
          netns: 4001,
          netnsName: 'router',
          protocol: 'tcp',
          original: '10.0.1.2:5001 > 10.0.1.1:2222',
          reply: '10.0.1.1:9999 > 10.0.1.2:5001',
          srcNat: 'null mapping',
          dstNat: 'rule',
          confirm: 'inserted',
          end: 'open',
          isOlder: false,
          isComplete: true,
          chainHooks: ['prerouting'],
          directions: {
            original: { packets: 1, ranChains: 1, mapped: 0, untouched: 0, dropped: 0 },
            reply: { packets: 1, ranChains: 0, mapped: 1, untouched: 0, dropped: 0 },
          },
        },
      ],
    });
  });
});
