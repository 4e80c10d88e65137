import { describe, expect, it } from 'vitest';
import { alignTable, confessed, guestTable, lostRecords } from './guest-table.ts';
import type { Measured, Measurement } from './guests.ts';
import { NOTHING, type Subject } from './subjects.ts';

const TRACER: Subject = {
  name: 'tracer',
  title: 'a tracer',
  command: {
    argv: ['tracer'],
    ready: 'packet',
    output: 'lines',
    perPacket: { one: 1, flows: 2 },
    loss: 'Lost',
  },
};

const SIZES = { packets: { one: 1000, flows: 500 } };

function seen(part: Partial<Measured>): Measured {
  return {
    workload: 'one',
    arrived: 1000,
    sendingUs: 50_000,
    wholeUs: 70_000,
    status: 0,
    records: null,
    bytes: 7,
    says: [],
    instructions: { user: 60, kernel: 11_940 },
    ...part,
  };
}

function measured(subject: Subject, ...workloads: Measured[]): Measurement {
  return { subject, release: '6.1.0-9-amd64', workloads, failure: undefined, elapsedMs: 3 };
}

const nothing = measured(NOTHING, seen({ status: null }));

describe('the table of the guests', () => {
  it('gives each total also as ratio to nothing attached on the same kernel', () => {
    const tracer = seen({ records: 990, instructions: { user: 3000, kernel: 15_000 } });
    const lines = guestTable([nothing, measured(TRACER, tracer)], SIZES).split('\n');
    const row = lines.find((line) => line.startsWith('| 6.1: a tracer'))!;
    expect(row.split('|').map((cell) => cell.trim())).toEqual(
      ['', '6.1: a tracer', '18,000', '1.50', '3,000', '20,000', '10']
        .concat(['-', '-', '-', '-', '-'])
        .concat(''),
    );
  });

  it('says below what a subject failed with, and packets that did not arrive', () => {
    const failed = { ...measured(TRACER), failure: 'no such kernel\nmore' };
    const text = guestTable([nothing, failed, measured(TRACER, seen({ arrived: 998 }))], SIZES);
    expect(text).toContain('a tracer, 6.1.0-9-amd64: no such kernel\n');
    expect(text).toContain('one flow: 998 of 1,000 packets arrived');
  });

  it('has the rule and the columns of a table in Markdown', () => {
    expect(
      alignTable([
        ['a', 'bcd'],
        ['ef', '1'],
      ]),
    ).toEqual(['| a  | bcd |', '|----|----:|', '| ef |   1 |']);
  });
});

describe('lost records', () => {
  it('are what is missing among the lines', () => {
    const one = measured(TRACER, seen({ workload: 'flows', records: 990 }));
    expect(lostRecords(one, 'flows', 500)).toBe(10);
  });

  it('are what the tool itself says where that is more', () => {
    const one = measured(TRACER, seen({ records: 990, says: ['2 Lost 40 events'] }));
    expect(lostRecords(one, 'one', 1000)).toBe(80);
  });

  it('are unknown beside nothing', () => {
    expect(lostRecords(nothing, 'one', 1000)).toBeUndefined();
  });

  it.each([
    ['1 17 of 900 records lost', 17],
    ['1 complete: 900 records, none lost', 0],
    ['1 33 packets dropped by kernel', 33],
    ['3 Lost 5 events', 15],
  ])('are read from "%s"', (line, lost) => {
    expect(confessed(line)).toBe(lost);
  });
});
