import { describe, expect, it } from 'vitest';
import { StaleTrace } from '../../src/explain/stale-trace.ts';
import type { TraceFacts, TraceTimes } from '../../src/model/facts.ts';
import type { Ledger, LedgerRow } from '../../src/model/ledger.ts';
import type { Action } from '../../src/model/ruleset.ts';
import { CLOCK_OFFSET, END, type Row } from '../export/fixtures.ts';
import { COMPLETE, DPORT, PLAIN, REDIRECT } from './redirected.ts';
import { flow, flowsOf, packet, packetsOf, rule, rulesOf } from './rows.ts';
import { is } from './rules.ts';

const SECOND = 1_000_000_000n;
const TIMES: TraceTimes = {
  probeChanges: [],
  startedKtimeNs: String(10n * SECOND),
  endedKtimeNs: String(30n * SECOND),
};
/** ns since 1970 of so many seconds by CLOCK_MONOTONIC. */
const AT = (seconds: number): bigint => CLOCK_OFFSET + BigInt(seconds) * SECOND;

const OTHER_PORT: Action = { ...REDIRECT, ports: [['9998', '9998']] } as Action;
const OLD = rule(1, { terms: [DPORT], actions: [REDIRECT] }, { removed_at: AT(20) });
const NEW = rule(2, { terms: [DPORT], actions: [OTHER_PORT] }, { added_at: AT(20) });
const BEGUN = { first_at: AT(12), packets: 30n, packets_reply: 10n, bytes: 300n };

interface Given {
  readonly flows: Row[];
  readonly packets?: Row[];
  readonly rules?: Row[];
  readonly ledger?: Ledger | null;
  readonly facts?: Partial<TraceFacts>;
  readonly times?: TraceTimes | undefined;
}

function reports({ flows, packets = [], rules = [OLD, NEW], ...ends }: Given, wanted?: number[]) {
  const { ledger = COMPLETE, facts = {} } = ends;
  const trace = new StaleTrace({
    '4001': { interfaces: { '7': 'eth7' }, addresses: ['10.0.1.1'] },
  });
  if (packets.length > 0) trace.addPackets(packetsOf(...packets));
  trace.addFlows(flowsOf(...flows));
  if (rules.length > 0) trace.addRules(rulesOf(...rules));
  const all = { ...PLAIN, detail: 'packets' as const, ...facts };
  const times = 'times' in ends ? ends.times : TIMES;
  return trace.reports({ facts: all, ledger, times }, wanted);
}

function lossy(loss: Partial<LedgerRow>, until: number): Ledger {
  const row = { ...END.ledger.rows[0]!, callsFull: 0, missedReturn: 0, missedEntry: 0 };
  const none = { ringFull: 0, flowsFull: 0, evicted: 0, sent: 9, delivered: 9 };
  const lossWindow = { fromNs: '1', toNs: String(BigInt(until) * SECOND) };
  return { rows: [{ ...row, ...none, ...loss }], lossWindow, conntrackStats: null };
}
const GAP = { sent: 12, delivered: 9, ringFull: 3 };

describe('stale mappings of a recorded trace', () => {
  it('are held against the rules that were loaded at its end', () => {
    const [report] = reports({ flows: [flow(7n, BEGUN), flow(8n, { src_port_reply: 9998 })] });
    expect(report).toMatchObject({ netns: 4001, entries: 2, expected: 0 });
    expect(report?.stale).toMatchObject([{ kind: 'target gone', flow: '7' }]);
    const [before] = reports({ flows: [flow(7n, BEGUN)], rules: [{ ...OLD, removed_at: null }] });
    expect(before?.stale).toEqual([]);
  });

  it('are removed rules where none is left', () => {
    const [report] = reports({ flows: [flow(7n, BEGUN)], rules: [OLD] });
    expect(report?.stale).toMatchObject([{ kind: 'rule removed' }]);
  });

  it('know a chain without rules', () => {
    const jump: Action = { does: 'jump', chain: 'EMPTY' };
    const rules = [rule(3, { actions: [jump] }), { ...NEW, handle: 77n }];
    expect(reports({ flows: [flow(7n, BEGUN)], rules })[0]?.stale).toHaveLength(1);
  });

  it('know the interfaces that the trace kept the names of', () => {
    const rules = [rule(3, { terms: [is('in', 'eth8')], actions: [OTHER_PORT] })];
    const came = { flow: 7n, direction: 'original', in_ifindex: 7 };
    const given = { flows: [flow(7n, BEGUN)], packets: [packet(1n, 'prerouting > input', came)] };
    expect(reports({ ...given, rules })[0]?.stale).toMatchObject([{ kind: 'rule removed' }]);
  });

  it('have the age and the rate that the trace saw', () => {
    const [report] = reports({ flows: [flow(7n, BEGUN), flow(8n, { ...BEGUN, older: true })] });
    expect(report?.stale[0]).toMatchObject({
      ...{ isOlder: false, rate: { packetsPerS: 2, bytesPerS: 15 } },
      entry: { ageS: 18, packets: [30, 10] },
    });
    expect(report?.stale[1]).toMatchObject({ isOlder: true, entry: { ageS: null } });
  });

  it('are dated by the first and last record where the trace does not say when it was', () => {
    const last = packet(1n, 'prerouting > input', { started_at: AT(16) });
    const [report] = reports({ flows: [flow(7n, BEGUN)], packets: [last], times: undefined });
    expect(report?.stale[0]).toMatchObject({ entry: { ageS: 4 }, rate: { packetsPerS: 10 } });
  });

  it('have no rate where only flows were traced and nothing counted', () => {
    const facts = { detail: 'flows' as const };
    const flows = [flow(7n, BEGUN), flow(8n, { older: true }), flow(9n, { first_at: AT(13) })];
    const [report] = reports({ flows, facts });
    const rates = report?.stale.map(({ rate, entry }) => [rate?.packetsPerS, entry.packets]);
    expect(rates).toEqual([
      [2, [30, 10]],
      [undefined, null],
      [undefined, null],
    ]);
  });

  it('are those of the wanted namespaces', () => {
    const flows = [flow(7n, BEGUN), flow(8n, { ...BEGUN, netns: 4002 })];
    expect(reports({ flows }, [4001]).map(({ netns }) => netns)).toEqual([4001]);
    expect(reports({ flows }).map(({ netns, unknown }) => [netns, unknown.noRules])).toEqual([
      [4001, 0],
      [4002, 1],
    ]);
  });
});

describe('entries of which nothing is claimed', () => {
  const EARLY = flow(7n, BEGUN);
  const LATE = flow(8n, { ...BEGUN, first_at: AT(25) });
  const unknownOf = (ledger: Ledger | null) => {
    const [report] = reports({ flows: [EARLY, LATE], ledger });
    return [report?.entries, report?.unknown.lost, report?.stale.map((one) => one.flow)];
  };

  it('are those that records of are missing', () => {
    const flows = [flow(7n, { ...BEGUN, complete: false }), LATE];
    const [report] = reports({ flows });
    expect(report?.unknown).toEqual({ lost: 0, incomplete: 1, noRules: 0 });
    expect(report?.stale.map((one) => one.flow)).toEqual(['8']);
  });

  it('are those that were in the table before the last loss', () => {
    expect(unknownOf(lossy(GAP, 20))).toEqual([2, 1, ['8']]);
    expect(unknownOf(lossy(GAP, 26))).toEqual([2, 2, []]);
    expect(unknownOf(lossy({}, 26))).toEqual([2, 0, ['7', '8']]);
  });

  it('are all where it is not known when records were lost', () => {
    expect(unknownOf(lossy({ ...GAP, missedEntry: 1 }, 20))).toEqual([2, 2, []]);
    expect(unknownOf({ ...lossy(GAP, 20), lossWindow: null })).toEqual([2, 2, []]);
    expect(unknownOf(null)).toEqual([2, 2, []]);
  });
});
