import { describe, expect, it } from 'vitest';
import { Account } from '../../src/explain/account.ts';
import { type Findings, findingsOf, type HookFinding } from '../../src/explain/findings.ts';
import type { Ledger } from '../../src/model/ledger.ts';
import type { Row } from '../export/fixtures.ts';
import { seeded } from '../wire/random.ts';
import { flow, flowsOf, packet, packetsOf } from './rows.ts';

const LEDGER: Ledger = { rows: [], lossWindow: null, conntrackStats: null };
const LOST: Ledger = {
  rows: [
    {
      cpu: 3,
      probe: 1,
      sent: 10,
      delivered: 8,
      ringFull: 2,
      callsFull: 0,
      missedReturn: 0,
      missedEntry: 0,
      flowsFull: 0,
      recursion: null,
      evicted: 5,
    },
  ],
  lossWindow: { fromNs: '101', toNs: '202' },
  conntrackStats: null,
};

function explained(packets: Row[], flows: Row[] = [], ledger: Ledger | null = LEDGER): Findings {
  const account = new Account();
  account.addPackets(packetsOf(...packets));
  account.addFlows(flowsOf(...flows));
  account.finish();
  return findingsOf(account, ledger, (inode) => `ns${inode}`);
}

function hookOf(findings: Findings, hook: string): HookFinding {
  return findings.namespaces[0]!.hooks.find((found) => found.hook === hook)!;
}

/** `cause packets` of each cause at a hook. */
function causes(findings: Findings, hook: string): string[] {
  return hookOf(findings, hook).skipped.map(({ cause, packets }) => `${cause} ${packets}`);
}

const ORIGINAL = { flow: 7n, direction: 'original', state: 'established' };
const NEW = { flow: 7n, direction: 'original', state: 'new' };
const REPLY = { flow: 7n, direction: 'reply', state: 'established' };

describe('a cause at a hook', () => {
  it.each([
    ['reply direction', packet(1n, 'output > postrouting', { ...REPLY, src_nat: 'mapping' })],
    ['flow already mapped', packet(1n, 'output > postrouting', ORIGINAL)],
    ['untracked', packet(1n, 'output > postrouting', { state: 'untracked' })],
    ['invalid', packet(1n, 'output > postrouting', { state: 'invalid' })],
    ['not seen by conntrack', packet(1n, 'output > postrouting', { state: 'none' })],
    ['unknown', packet(1n, 'output > postrouting', { state: 'none', complete: false })],
    ['unknown', packet(1n, 'output > postrouting', { state: 'new', direction: 'original' })],
    ['unknown', packet(1n, 'output > postrouting', { ...NEW, src_nat: 'unknown' })],
  ])('is %s', (cause, row) => {
    expect(causes(explained([row], [flow(7n)]), 'postrouting')).toEqual([`${cause} 1`]);
  });

  it('is the age of the flow, where it is older than the trace', () => {
    const findings = explained(
      [packet(1n, 'prerouting > input', ORIGINAL)],
      [flow(7n, { older: true, confirm: 'older' })],
    );
    expect(causes(findings, 'prerouting')).toEqual(['flow older than the trace 1']);
  });

  it('is unknown where nothing is known of the flow', () => {
    const findings = explained([packet(1n, 'prerouting > input', ORIGINAL)]);
    expect(causes(findings, 'prerouting')).toEqual(['unknown 1']);
  });

  it('is that no chain is there, for a first packet decided without one', () => {
    const first = packet(1n, 'prerouting chains > input', {
      ...NEW,
      dst_nat: 'rule',
      src_nat: 'null mapping',
      confirm: 'inserted',
    });
    const findings = explained([first], [flow(7n)]);
    expect(causes(findings, 'input')).toEqual(['no nat chain here 1']);
    expect(hookOf(findings, 'prerouting').chainsRan).toBe(1);
  });

  it('is that no chain is there, at the hook of the end that the null mapping is of', () => {
    const out = packet(1n, 'output > postrouting chains', {
      ...NEW,
      dst_nat: 'null mapping',
      src_nat: 'rule',
      confirm: 'inserted',
    });
    expect(causes(explained([out], [flow(7n)]), 'output')).toEqual(['no nat chain here 1']);
  });

  it('is told apart for packets of one flow, dropped here or not', () => {
    const findings = explained(
      [
        packet(1n, 'prerouting', { ...NEW, verdict: 'drop' }),
        packet(2n, 'prerouting > input', NEW),
      ],
      [flow(7n, { confirm: 'none', dst_nat: 'none', src_nat: 'none' })],
    );
    expect(causes(findings, 'prerouting')).toEqual([
      'dropped before the nat chains 1',
      'no nat chain here 1',
    ]);
  });

  it('is that no chain is there, where there is no NAT at all', () => {
    const none = { src_nat: 'none', dst_nat: 'none' };
    const findings = explained(
      [
        packet(1n, 'prerouting > input', { ...NEW, confirm: 'inserted' }),
        packet(2n, 'prerouting > input', ORIGINAL),
      ],
      [flow(7n, none)],
    );
    expect(causes(findings, 'prerouting')).toEqual(['no nat chain here 2']);
    expect(causes(findings, 'input')).toEqual(['no nat chain here 2']);
  });

  it('is the mapping made on the way out, where loopback brings the packet back', () => {
    const findings = explained(
      [
        packet(1n, 'output chains > postrouting chains > prerouting > input', {
          ...NEW,
          dst_nat: 'null mapping',
          src_nat: 'null mapping',
          confirm: 'inserted',
        }),
      ],
      [flow(7n, { dst_nat: 'null mapping' })],
    );
    expect(causes(findings, 'prerouting')).toEqual(['flow already mapped 1']);
    expect(causes(findings, 'input')).toEqual(['flow already mapped 1']);
  });

  it('is the drop, where it came before the chains of that hook', () => {
    const dropped = { ...NEW, verdict: 'drop' };
    const findings = explained(
      [packet(1n, 'prerouting', dropped), packet(2n, 'prerouting', dropped)],
      [flow(7n, { confirm: 'none', dst_nat: 'none', src_nat: 'none' })],
    );
    expect(causes(findings, 'prerouting')).toEqual(['dropped before the nat chains 2']);
  });

  it('is the drop at postrouting, though prerouting had decided its own end', () => {
    const findings = explained(
      [
        packet(1n, 'prerouting chains > forward > postrouting', {
          ...NEW,
          dst_nat: 'rule',
          verdict: 'drop',
        }),
      ],
      [flow(7n, { confirm: 'none', src_nat: 'none' })],
    );
    expect(causes(findings, 'postrouting')).toEqual(['dropped before the nat chains 1']);
  });

  it('is the mapping, where a later packet of a flow in the table is dropped', () => {
    const findings = explained([packet(1n, 'prerouting', { ...NEW, verdict: 'drop' })], [flow(7n)]);
    expect(causes(findings, 'prerouting')).toEqual(['flow already mapped 1']);
  });
});

/** Any row, also such as no kernel sends. */
function anyPacket(number: bigint): Row {
  const random = seeded(Number(number) + 77);
  const ways = [
    'prerouting chains > input',
    'prerouting > forward > postrouting chains',
    'output > postrouting',
    'output chains > postrouting > prerouting > input',
    'forward',
  ];
  const netns = random.below(3);
  return packet(number, random.pick(ways), {
    state: random.pick(['none', 'new', 'established', 'related', 'untracked', 'invalid']),
    direction: random.pick(['original', 'reply', null]),
    flow: random.pick([null, 1n, 2n, 3n].map((flow) => flow && flow * 10n + BigInt(netns))),
    verdict: random.pick(['accept', 'drop', 'stolen']),
    src_nat: random.pick(['none', 'rule', 'mapping', 'null mapping', 'unknown']),
    dst_nat: random.pick(['none', 'rule', 'mapping', 'null mapping', 'unknown']),
    confirm: random.pick(['none', 'inserted', 'refused', 'merged']),
    complete: random.below(2) === 0,
    netns: 4001 + netns,
  });
}

describe('findings', () => {
  const packets = Array.from({ length: 400 }, (_, n) => anyPacket(BigInt(n + 1)));
  const flows = [0n, 1n, 2n].flatMap((n) => {
    const netns = 4001 + Number(n);
    return [
      flow(10n + n, { netns }),
      flow(20n + n, { netns, older: true, confirm: 'older' }),
      flow(30n + n, { netns, confirm: 'refused' }),
    ];
  });
  const findings = explained(packets, flows);

  it('add up at every hook: packets are those that ran chains and those of each cause', () => {
    const hooks = findings.namespaces.flatMap((netns) => netns.hooks);
    expect(hooks.length).toBeGreaterThan(10);
    for (const { packets: all, chainsRan, skipped } of hooks) {
      expect(skipped.reduce((sum, { packets: some }) => sum + some, chainsRan)).toBe(all);
    }
  });

  it('count each packet once in its namespace and in its flow', () => {
    const inNamespaces = findings.namespaces.reduce((sum, netns) => sum + netns.packets, 0);
    expect(inNamespaces).toBe(packets.length);
    const withFlow = packets.filter((row) => row.flow !== null).length;
    const inFlows = findings.flows.flatMap(({ directions }) => Object.values(directions));
    expect(inFlows.reduce((sum, direction) => sum + direction.packets, 0)).toBe(withFlow);
    for (const { packets: all, ranChains, mapped, untouched } of inFlows) {
      expect(ranChains + mapped + untouched).toBe(all);
    }
  });

  it('name up to three packets as evidence, and those are among the packets', () => {
    const numbers = new Set(packets.map((row) => String(row.packet)));
    for (const hook of findings.namespaces.flatMap((netns) => netns.hooks)) {
      for (const { packets: some, evidence } of hook.skipped) {
        expect(evidence).toHaveLength(Math.min(some, 3));
        expect(evidence.every((number) => numbers.has(number))).toBe(true);
        expect(evidence).toEqual([...evidence].sort((a, b) => Number(a) - Number(b)));
      }
      expect(hook.evidence).toHaveLength(Math.min(hook.chainsRan, 3));
    }
  });

  it('are the same in however many batches the rows come', () => {
    const account = new Account();
    for (const row of flows) account.addFlows(flowsOf(row));
    for (let at = 0; at < packets.length; at += 7) {
      account.addPackets(packetsOf(...packets.slice(at, at + 7)));
    }
    account.finish();
    const other = findingsOf(account, LEDGER, (inode) => `ns${inode}`);
    expect(JSON.stringify(other)).toBe(JSON.stringify(findings));
  });

  it('put the namespace and the flow with the most packets first', () => {
    const sizes = findings.namespaces.map((netns) => netns.packets);
    expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
    const counts = findings.flows.map(
      ({ directions }) => directions.original.packets + directions.reply.packets,
    );
    expect(counts).toEqual([...counts].sort((a, b) => b - a));
  });
});

describe('certainty', () => {
  it.each([
    ['known', LEDGER, 0, null],
    ['unknown', LOST, 7, { fromNs: '101', toNs: '202' }],
    ['unknown', null, null, null],
  ])('is %s', (certainty, ledger, lost, lossWindow) => {
    expect(explained([], [], ledger)).toMatchObject({ certainty, lost, lossWindow });
  });
});
