import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  NOTHING_UNKNOWN,
  STALE_VERSION,
  type StaleEntry,
  type StaleNamespace,
  staleJson,
  staleList,
} from '../../src/cli/stale-show.ts';
import { Evaluator } from '../../src/explain/evaluate.ts';
import { findStale } from '../../src/explain/stale.ts';
import type { Entry } from '../../src/model/entry.ts';
import { base, dnat, is, masquerade, RANDOM, rule, ruleset } from '../explain/rules.ts';
import { type Schema, schemaErrors } from '../explain/schema-check.ts';

const path = new URL('../../docs/stale.schema.json', import.meta.url);
const SCHEMA = JSON.parse(readFileSync(path, 'utf8')) as Schema;

const ENTRY: Entry = {
  ...{ family: 4, protocol: 17, zones: [5, 0], mark: 9, isExpected: null, status: '[ASSURED]' },
  original: { src: '10.0.1.2', dst: '10.0.1.1', srcPort: 5001, dstPort: 53 },
  reply: { src: '10.0.2.5', dst: '10.0.1.2', srcPort: 9999, dstPort: 5001 },
  ...{ timeoutS: 30, packets: [7, 6], bytes: [80, 70], ageS: 1.5, in: 'eth0' },
};
const CHAINS = [
  base('prerouting', [
    rule(RANDOM, dnat('10.0.2.6:9998')),
    rule(is('protocol', '17'), RANDOM, dnat('10.0.2.7')),
  ]),
  base('postrouting', [rule(is('dst', '10.9.9.9'), masquerade())]),
];

function namespace(rest: Partial<StaleNamespace> = {}, about: Partial<StaleEntry> = {}) {
  const around = { isLocal: () => false };
  const { stale } = findStale([ENTRY], new Evaluator(ruleset(...CHAINS)), around);
  const shown: StaleEntry = {
    ...{ ...stale[0]!, flow: null, isOlder: null, rate: null },
    deleteCommand: 'conntrack -D',
    ...about,
  };
  const read = { netns: 4001, name: null, title: 'namespace 4001', notes: ['a chain'] };
  const counts = { entries: 12, expected: 2, unknown: NOTHING_UNKNOWN };
  return { ...read, ...counts, stale: [shown], ...rest };
}

const RECORDED: Partial<StaleEntry> = {
  ...{ flow: '7', isOlder: true, rate: { packetsPerS: 0.5, bytesPerS: 8 } },
};
const UNKNOWN = { lost: 3, incomplete: 4, noRules: 5 };

describe('the JSON of explain --stale', () => {
  const errors = (...found: StaleNamespace[]) => schemaErrors(SCHEMA, JSON.parse(staleJson(found)));

  it('fits its published schema, of the table of now and of a trace', () => {
    expect(errors()).toEqual([]);
    expect(errors(namespace(), namespace({ name: 'router', unknown: UNKNOWN }, RECORDED))).toEqual(
      [],
    );
  });

  it('is not said to fit where it does not', () => {
    const [found] = (JSON.parse(staleJson([namespace()])) as { namespaces: object[] }).namespaces;
    const wrong = (change: object) =>
      schemaErrors(SCHEMA, { schemaVersion: '1.0', namespaces: [{ ...found, ...change }] });
    expect(wrong({ entries: -1 })).toEqual(['$.namespaces[0].entries: below 0']);
    expect(wrong({ more: 1 })).toEqual(['$.namespaces[0].more: not in the schema']);
    expect(wrong({ stale: [{}] }).length).toBeGreaterThan(10);
  });

  it('has its version', () => {
    expect(staleJson([])).toBe(`{"schemaVersion":"${STALE_VERSION}","namespaces":[]}\n`);
  });

  it('names the rules that may decide, and null where none may', () => {
    const [found] = (JSON.parse(staleJson([namespace()])) as { namespaces: Listed[] }).namespaces;
    expect(found?.stale[0]?.rules).toMatchObject([
      { backend: 'nft', chain: 'prerouting', targets: [{ kind: 'dnat', manip: 'dst' }] },
      { targets: [{ addresses: [['10.0.2.7', '10.0.2.7']], ports: null }] },
      null,
    ]);
  });
});

interface Listed {
  readonly stale: readonly { readonly rules: readonly object[] }[];
}

describe('the list of explain --stale', () => {
  it('says what is not known, and of how many entries', () => {
    const lines = staleList([namespace({ unknown: UNKNOWN }, RECORDED)]).split('\n');
    expect(lines.slice(0, 6)).toEqual([
      'namespace 4001: 1 of 12 entries have a stale mapping, 2 of helpers left out',
      '  unknown: 3 of them, records were lost while they were in the table',
      '  unknown: 4 of them, records about them were lost or came too late',
      '  unknown: 5 of them, the trace has no rules of this namespace',
      '  not read: a chain',
      'target gone: udp 10.0.1.2:5001 > 10.0.1.1:53, older than the trace, 0.5 packets/s, 8 bytes/s',
    ]);
  });

  it('has the age where it is known', () => {
    expect(staleList([namespace()])).toContain('10.0.1.1:53, 1.5s old\n');
  });
});
