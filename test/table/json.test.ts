/** The JSON of `conntrail table` beside its published schemas. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { explainPasted } from '../../src/table/explain-record.ts';
import { EXPLAINED_VERSION, explainedJson } from '../../src/table/explain-show.ts';
import { CauseCounts } from '../../src/table/stats-causes.ts';
import { statsReport } from '../../src/table/stats-report.ts';
import { STATS_VERSION, statsJson } from '../../src/table/stats-show.ts';
import { type Schema, schemaErrors } from '../explain/schema-check.ts';

const CORPUS = new URL('corpus/', import.meta.url);

function schemaOf(name: string): Schema {
  const path = new URL(`../../docs/${name}.schema.json`, import.meta.url);
  return JSON.parse(readFileSync(path, 'utf8')) as Schema;
}

describe('the JSON of table explain', () => {
  const schema = schemaOf('table-explain');
  const document = (text: string): Record<string, unknown> => ({
    schemaVersion: EXPLAINED_VERSION,
    explained: explainPasted(text).map((one) => JSON.parse(explainedJson(one)) as unknown),
  });

  it.each([...readdirSync(CORPUS)])('fits its published schema, of %s', (name) => {
    const found = document(readFileSync(new URL(name, CORPUS), 'utf8'));
    expect(found.explained).not.toEqual([]);
    expect(schemaErrors(schema, found)).toEqual([]);
  });

  it('fits it of what is not known, and of nothing', () => {
    expect(schemaErrors(schema, document('hello'))).toEqual([]);
    expect(schemaErrors(schema, document(''))).toEqual([]);
  });

  it('is held to it', () => {
    const wrong = document('hello');
    expect(schemaErrors(schema, { ...wrong, schemaVersion: '2.0' })).not.toEqual([]);
    expect(schemaErrors(schema, { ...wrong, explained: [{ line: 0 }] })).not.toEqual([]);
  });

  it('has the ends that NAT rewrites', () => {
    const [told] = explainPasted(
      'udp 17 9 src=10.0.0.1 dst=10.0.0.2 sport=5 dport=53 src=10.0.0.8 dst=10.0.0.1 sport=5353 dport=5',
    );
    expect(told?.rewritten).toEqual([
      {
        ...{ manip: 'dst', changes: 'both' },
        before: { address: '10.0.0.2', port: 53 },
        after: { address: '10.0.0.8', port: 5353 },
      },
    ]);
  });
});

describe('the JSON of table stats', () => {
  const schema = schemaOf('table-stats');
  const reading = { atMs: 1, cpus: [{ invalid: 3 }], settings: { nf_conntrack_max: '7' } };

  it('fits its published schema, alone and as rates', () => {
    for (const before of [null, { ...reading, atMs: 0 }]) {
      const report = statsReport(reading, before);
      const text = statsJson([{ ...report, netns: 7, name: null, title: 'this namespace' }]);
      expect(schemaErrors(schema, JSON.parse(text))).toEqual([]);
    }
  });

  it('fits it of a recorded trace', () => {
    const counts = new CauseCounts();
    counts.add({
      netns: 7,
      counters: ['drop'],
      cause: 'table full',
      text: null,
      who: 'udp a > b:1',
    });
    const document = { schemaVersion: STATS_VERSION, from: 'trace', counters: counts.reports([]) };
    expect(schemaErrors(schema, document)).toEqual([]);
    expect(schemaErrors(schema, { ...document, counters: [{}] })).not.toEqual([]);
  });
});
