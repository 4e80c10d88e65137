import { describe, expect, it } from 'vitest';
import type { Chain, Rule, Ruleset } from '../../src/model/ruleset.ts';
import type { DecidedRule } from '../../src/rebuild/decided-rules.ts';
import { NetnsRules } from '../../src/rebuild/readings.ts';

const NETNS = 4026531840;
const TABLE_HANDLE = 0x1_00_0006; // the kernel side has 24 bits of it

const rule = (handle: number, text: string, packets: number, offset?: number): Rule => ({
  handle,
  number: handle - 10,
  text,
  terms: [],
  actions: [],
  packets,
  bytes: packets * 60,
  ...(offset === undefined ? {} : { offset }),
});

function readingOf(readAtNs: bigint, backend: Chain['backend'], rules: readonly Rule[]): Ruleset {
  const tableHandle = backend === 'legacy' ? 0 : TABLE_HANDLE;
  const chain = { backend, family: 'ip', table: 'nat', tableHandle, name: 'PREROUTING', rules };
  return { netns: NETNS, readAtNs: String(readAtNs), chains: [chain], notes: [] };
}

const nft = (readAtNs: bigint, ...rules: Rule[]) => readingOf(readAtNs, 'nft', rules);
const legacy = (readAtNs: bigint, ...rules: Rule[]) => readingOf(readAtNs, 'legacy', rules);
const changedAt = (...times: bigint[]) => times.map((atNs) => ({ netns: NETNS, atNs }));

function decided(backend: DecidedRule['backend'], number: number, at: bigint): DecidedRule {
  const firstAt = [Number(BigInt.asIntN(32, at)), Number(at >> 32n)] as const;
  const none = { flows: 0, packets: 0, packetsReply: 0, bytes: 0, bytesReply: 0 };
  return { backend, table: 6, number, rule: 1, netns: NETNS, family: 4, firstAt, ...none };
}

const SECOND = 1_000_000_000n;

describe('readings of the rules', () => {
  it('keep what a rule said first and last, as long as it is the same', () => {
    const readings = [nft(10n, rule(11, 'dnat to a', 3)), nft(90n, rule(11, 'dnat to a', 8))];
    const [lifetime, ...more] = new NetnsRules(readings, []).lifetimes;
    expect(more).toEqual([]);
    expect(lifetime).toMatchObject({
      first: { packets: 3 },
      last: { packets: 8 },
      addedAtNs: null,
      removedAtNs: null,
    });
  });

  it('tell when a rule came and went by the change before the reading', () => {
    const readings = [
      nft(10n, rule(11, 'dnat to a', 3)),
      nft(50n, rule(11, 'dnat to a', 4), rule(12, 'dnat to b', 5)),
      nft(90n, rule(12, 'dnat to b', 6)),
    ];
    const { lifetimes } = new NetnsRules(readings, changedAt(41n, 47n, 81n));
    const times = lifetimes.map(({ last, addedAtNs, removedAtNs }) => [
      last.text,
      addedAtNs,
      removedAtNs,
    ]);
    expect(times).toEqual([
      ['dnat to a', null, 81n],
      ['dnat to b', 41n, null],
    ]);
  });

  it('know bounds where rules changed twice between them', () => {
    const readings = [nft(10n, rule(11, 'a', 1)), nft(50n, rule(12, 'b', 2))];
    const [a, b] = new NetnsRules(readings, changedAt(41n, 47n)).lifetimes;
    expect([a?.removedAfterNs, a?.removedAtNs]).toEqual([41n, 47n]);
    expect([b?.addedAtNs, b?.addedByNs]).toEqual([41n, 47n]);
  });

  it('keep what went away behind what it stood behind', () => {
    const [a, b, c, d] = [
      rule(11, 'a', 1),
      rule(12, 'b', 2),
      rule(13, 'c', 3),
      rule(14, 'd', 4),
    ] as const;
    const readings = [nft(10n, a, b, c), nft(50n, b, d)];
    const { lifetimes } = new NetnsRules(readings, changedAt(41n));
    expect(lifetimes.map(({ last }) => last.text)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('of a namespace that came later are of rules that came with it', () => {
    const { lifetimes } = new NetnsRules([nft(50n, rule(11, 'a', 1))], changedAt(41n, 47n));
    expect(lifetimes).toMatchObject([{ addedAtNs: 41n, addedByNs: 47n }]);
  });

  it('do not know the elements of a named map that changed', () => {
    const at = (port: string): Rule => ({
      ...rule(11, 'dnat to tcp dport map @ports', 1),
      terms: [{ fields: ['dst_port'], any: [[[port, port]]] }],
    });
    const changing = (...ports: string[]) =>
      new NetnsRules(
        ports.map((port, at10) => nft(BigInt(at10 + 1) * 10n, at(port))),
        [],
      ).lifetimes;
    expect(changing('80', '80', '81')).toMatchObject([{ isChanging: true }]);
    expect(changing('80', '80', '80')).toMatchObject([{ isChanging: false }]);
  });

  it('tell a rule from the one that replaced it under its handle, by the time of the decision', () => {
    const readings = [
      nft(1n * SECOND, rule(18, 'dnat to old', 2)),
      nft(70n * SECOND, rule(18, 'dnat to new', 3)),
    ];
    const rules = new NetnsRules(readings, changedAt(60n * SECOND, 65n * SECOND));
    const found = [59n, 62n, 66n].map((at) => rules.find(decided('nft', 18, at * SECOND)));
    expect(found.map((one) => one?.last.text)).toEqual(['dnat to old', undefined, 'dnat to new']);
  });

  it('name the nft rule by 24 bits of its table and its handle, none that they do not have', () => {
    const rules = new NetnsRules([nft(10n, rule(11, 'a', 1), rule(13, 'b', 2))], []);
    expect(rules.find(decided('nft', 13, 20n))?.last.text).toBe('b');
    expect(rules.find(decided('nft', 12, 20n))).toBeUndefined();
  });

  it('name the legacy rule that holds the target, in the table of that time', () => {
    const readings = [
      legacy(1n * SECOND, rule(0, 'first', 1, 0), rule(0, 'old', 2, 200), rule(0, 'last', 3, 408)),
      legacy(70n * SECOND, rule(0, 'first', 4, 0), rule(0, 'new', 5, 200)),
    ];
    const rules = new NetnsRules(readings, changedAt(60n * SECOND, 65n * SECOND, 80n * SECOND));
    const at = (time: bigint) => rules.find(decided('legacy', 330, time * SECOND))?.last.text;
    expect([0n, 59n, 62n, 66n, 79n, 81n].map(at)).toEqual([
      ...['old', 'old', undefined],
      ...['new', 'new', undefined],
    ]);
  });
});
