import { afterAll, describe, expect, it } from 'vitest';
import { readConntrack } from '../../src/kernel/conntrack-reading.ts';
import { hasTool } from '../../src/kernel/tool.ts';
import { totalStats } from '../../src/table/parse-stats.ts';
import { parseText } from '../../src/table/parse-text.ts';
import { CauseCounts, causesText } from '../../src/table/stats-causes.ts';
import { ageText, COUNTERS } from '../../src/table/stats-counters.ts';
import { type StatsReading, statsReport } from '../../src/table/stats-report.ts';
import { settingWords } from '../../src/table/stats-settings.ts';
import { ratesText, statsJson, statsText } from '../../src/table/stats-show.ts';
import { openNetns } from '../facts/netns-here.ts';

const BEFORE: StatsReading = {
  atMs: 1000,
  cpus: [
    { invalid: 130, drop: 4_294_967_290 },
    { invalid: 7, drop: 0 },
  ],
  settings: { nf_conntrack_count: '79', nf_conntrack_max: '100', nf_conntrack_buckets: '64' },
};
const AFTER: StatsReading = {
  atMs: 3000,
  cpus: [
    { invalid: 135, drop: 4 },
    { invalid: 7, drop: 0 },
    { invalid: 2, drop: 0 },
  ],
  settings: { ...BEFORE.settings, nf_conntrack_count: '80' },
};
const titled = { netns: 77, name: 'router', title: 'router' };

describe('a report of statistics', () => {
  it('has totals and each CPU', () => {
    const { counters, seconds } = statsReport(BEFORE, null);
    expect(seconds).toBeNull();
    expect(counters.find(({ name }) => name === 'invalid')).toMatchObject({
      ...{ total: 137, perCpu: [130, 7], moved: null, perSecond: null },
    });
  });

  it('has rates between two readings, over the wrap of 32 bits, and with a CPU that came', () => {
    const { counters, seconds } = statsReport(AFTER, BEFORE);
    expect(seconds).toBe(2);
    expect(counters.map(({ name, moved, perSecond }) => [name, moved, perSecond])).toEqual([
      ['invalid', 7, 3.5],
      ['drop', 10, 5],
    ]);
  });

  it('warns from 80 % on, and where many entries share a bucket', () => {
    expect(statsReport(BEFORE, null).warnings).toEqual([]);
    expect(statsReport(AFTER, null).warnings).toEqual([
      expect.stringMatching(/^the table is 80 % full \(80 of 100\)/),
    ]);
    const settings = { ...AFTER.settings, nf_conntrack_buckets: '32', nf_conntrack_max: '0' };
    expect(statsReport({ ...AFTER, settings }, null).warnings).toEqual([
      expect.stringMatching(/^3 entries share each bucket \(80 in 32\)/),
    ]);
  });

  it('without settings tells no sizes', () => {
    const report = statsReport({ ...BEFORE, settings: {} }, null);
    expect(report).toMatchObject({ entries: null, max: null, buckets: null, warnings: [] });
    expect(statsText({ ...titled, ...report })).toMatch(/^router: sizes not told\n/);
  });

  it('as text has every counter, and of those that count what to do', () => {
    const text = statsText({ ...titled, ...statsReport(AFTER, null) });
    expect(text).toContain('router: 80 of 100 entries (80 %), 64 buckets\n  warning: the table is');
    expect(text).toMatch(/ {4}invalid +144 {2}a packet was refused/);
    expect(text).toContain(
      '\n      cpu 0: 135, cpu 1: 7, cpu 2: 2\n      to do if it grows: sysctl',
    );
    expect(ratesText({ ...titled, ...statsReport(AFTER, BEFORE) })).toContain(
      '\n  invalid +7 (3.5/s): a packet was refused',
    );
    expect(ratesText({ ...titled, ...statsReport(BEFORE, BEFORE) })).toContain('no counter moved');
  });

  it('as JSON is one line', () => {
    const text = statsJson([{ ...titled, ...statsReport(AFTER, BEFORE) }]);
    expect(text.trimEnd().split('\n')).toHaveLength(1);
    expect(JSON.parse(text)).toMatchObject({
      schemaVersion: '1.0',
      namespaces: [{ netns: 77, name: 'router', entries: 80, max: 100, seconds: 2 }],
    });
  });
});

describe('settings', () => {
  it('are explained by their value, those that decide most first', () => {
    const words = settingWords({
      nf_conntrack_tcp_timeout_established: '432000',
      nf_conntrack_udp_timeout: '30',
      nf_conntrack_generic_timeout: '600',
      nf_flowtable_tcp_timeout: '31',
      nf_conntrack_acct: '0',
      nf_conntrack_log_invalid: '6',
      nf_conntrack_max: '9',
      nf_conntrack_helper: '0',
    });
    expect(words.map(({ name, value, meaning }) => `${name}=${value}: ${meaning}`)).toEqual([
      expect.stringMatching(/^nf_conntrack_max=9: the most entries/),
      'nf_conntrack_acct=0: packets and bytes of entries are not counted',
      'nf_conntrack_log_invalid=6: refused packets of protocol 6 are logged',
      'nf_conntrack_generic_timeout=600: s without a packet end a flow of other protocols',
      'nf_conntrack_tcp_timeout_established=432000: s without a packet end a flow of tcp in state established',
      'nf_conntrack_udp_timeout=30: s without a packet end a flow of udp',
      'nf_flowtable_tcp_timeout=31: s without a packet end a flow of tcp of a flowtable',
    ]);
  });
});

describe('who moved a counter', () => {
  const counts = new CauseCounts();
  const failed = { netns: 7, counters: ['invalid'], cause: 'invalid packet', text: 'bad checksum' };
  for (let turn = 0; turn < 3; turn++) counts.add({ ...failed, who: 'udp 10.0.0.1 > 10.0.0.2:53' });
  for (let host = 1; host <= 7; host++) counts.add({ ...failed, who: `udp 10.0.1.${host} > x` });
  counts.add({
    ...failed,
    counters: ['drop', 'insert_failed'],
    cause: 'mapping taken',
    text: null,
    who: 'a',
  });
  const accounted = [
    { netns: 7, cpu: 0, counter: 'invalid', counted: 6, explained: 6 },
    { netns: 7, cpu: 1, counter: 'invalid', counted: 4, explained: 4 },
    { netns: 7, cpu: 1, counter: 'drop', counted: 3, explained: 1 },
    { netns: 9, cpu: 0, counter: 'error', counted: 2, explained: 0 },
  ];
  const reports = counts.reports(accounted);

  it('is summed over CPUs, beside what the kernel counted', () => {
    expect(
      reports.map(({ netns, counter, counted, explained }) => [netns, counter, counted, explained]),
    ).toEqual([
      [7, 'invalid', 10, 10],
      [7, 'drop', 3, 1],
      [7, 'insert_failed', null, 1],
      [9, 'error', 2, 0],
    ]);
  });

  it('names those who did most, and how many others', () => {
    expect(reports[0]?.causes).toEqual([
      {
        ...{ cause: 'invalid packet', text: 'bad checksum', count: 10, others: 3 },
        who: [
          { flow: 'udp 10.0.0.1 > 10.0.0.2:53', count: 3 },
          ...[1, 2, 3, 4].map((host) => ({ flow: `udp 10.0.1.${host} > x`, count: 1 })),
        ],
      },
    ]);
  });

  it('is text under the name of each namespace', () => {
    const text = causesText(reports, (netns) => `ns${netns}`);
    expect(text.match(/^\S.*$/gm)).toEqual(['ns7:', 'ns9:']);
    expect(text).toContain('  invalid: 10 counted, all explained: a packet was refused');
    expect(text).toContain(
      '    10 invalid packet "bad checksum": 3 by udp 10.0.0.1 > 10.0.0.2:53, 1 by',
    );
    expect(text).toContain('  drop: 3 counted, 1 explained');
    expect(causesText([], String)).toBe('no counter of conntrack -S moved during the trace\n');
  });
});

describe('counters', () => {
  it('have a sentence each, and those that no kernel keeps say so', () => {
    for (const words of Object.values(COUNTERS)) expect(words.meaning.length).toBeGreaterThan(15);
    const obsolete = Object.entries(COUNTERS).filter(([, words]) => words.until !== null);
    expect(obsolete.map(([name]) => name)).toEqual([
      ...['searched', 'new', 'delete', 'delete_list', 'ignore'],
    ]);
    expect(ageText(COUNTERS.chaintoolong!)).toBe('since 5.15');
  });
});

const netns = hasTool('conntrack') ? await openNetns() : undefined;
afterAll(() => netns?.close());

describe.skipIf(netns === undefined)('the counters of a namespace', () => {
  it('are those that conntrack -S prints, with the settings of that namespace', () => {
    const insert = (port: number): string =>
      `conntrack -I -p udp -s 10.0.0.1 -d 10.0.0.2 --sport ${port} --dport 53 -t 600 >/dev/null`;
    netns!.run('sysctl -qw net.netfilter.nf_conntrack_udp_timeout=37');
    netns!.run([1, 2, 3].map(insert).join('\n'));
    const before = readConntrack(netns!.path);
    netns!.run([4, 5].map(insert).join('\n'));
    const after = readConntrack(netns!.path);
    expect(before.settings).toMatchObject({
      nf_conntrack_count: '3',
      nf_conntrack_udp_timeout: '37',
    });
    const report = statsReport(after, before);
    expect(report).toMatchObject({ entries: 5 });
    expect(report.counters.find(({ name }) => name === 'insert')).toMatchObject({
      total: 5,
      moved: 2,
    });
    const [{ record } = { record: null }] = [...parseText(netns!.run('conntrack -S'))];
    if (record?.kind !== 'statistics') expect.fail(JSON.stringify(record));
    const ours = totalStats(after.cpus.map((counters, cpu) => ({ cpu, counters })));
    expect(ours).toMatchObject(totalStats(record.rows));
  });
});
