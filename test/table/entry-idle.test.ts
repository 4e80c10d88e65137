import { expect, it } from 'vitest';
import { EntryHas, EntryWord, News } from '../../src/model/entry-row.ts';
import { newRow } from '../../src/table/entry-build.ts';
import { idleAt } from '../../src/table/entry-idle.ts';
import { wordsOfLine } from '../../src/table/entry-line.ts';

const TIMEOUTS = new Map(
  Object.entries({
    tcp_timeout_established: 432_000,
    tcp_timeout_close: 10,
    tcp_timeout_max_retrans: 300,
    tcp_timeout_unacknowledged: 290,
    udp_timeout: 31,
    udp_timeout_stream: 121,
    icmp_timeout: 32,
    icmpv6_timeout: 33,
    gre_timeout: 34,
    gre_timeout_stream: 181,
    sctp_timeout_established: 211,
    generic_timeout: 601,
  }),
);
const PORTS = '--sport 1 --dport 2';
const NOW_NS = 1_000_000_000_000n;

const idle = (line: string, change?: (row: Int32Array) => void): number | null => {
  const row = newRow(wordsOfLine(`-s 10.0.0.1 -d 10.0.0.2 ${line}`));
  change?.(row);
  return idleAt(row, 0, TIMEOUTS, NOW_NS);
};

it.each([
  [`-p udp ${PORTS} -t 20`, 11],
  [`-p udp ${PORTS} -t 20 -u SEEN_REPLY`, 11],
  [`-p udp ${PORTS} -t 20 -u SEEN_REPLY,ASSURED`, 101],
  ['-p icmp --icmp-type 8 -t 20', 12],
  ['-p gre -t 20', 14],
  ['-p gre -t 20 -u ASSURED', 161],
  ['-p 99 -t 20', 581],
  [`-p tcp ${PORTS} -t 400000 --state ESTABLISHED`, 32_000],
  [`-p tcp ${PORTS} -t 3 --state CLOSE`, 7],
  [`-p sctp ${PORTS} -t 200 --state ESTABLISHED`, 11],
])('is the whole timeout less what is left: %s', (line, seconds) => {
  expect(idle(line)).toBe(seconds);
});

it.each([
  [`-p udp ${PORTS} -t 32`, 'more is left than the setting gives'],
  [`-p udp ${PORTS} -t 20 -u FIXED_TIMEOUT`, 'no packet renews it'],
  [`-p tcp ${PORTS} -t 299 --state ESTABLISHED`, 'it may wait for an acknowledgement'],
  [`-p tcp ${PORTS} -t 5 --state SYN_RECV`, 'the setting is not known'],
])('is not guessed: %s, %s', (line) => {
  expect(idle(line)).toBeNull();
});

it.each([News.new, News.update, News.destroy])('is not told of news: %i', (news) => {
  const listed = `-p udp ${PORTS} -t 2`;
  expect(idle(listed)).toBe(29);
  const tell = (row: Int32Array) => {
    row[EntryWord.kind]! |= news << 24;
  };
  expect(idle(listed, tell)).toBeNull();
});

it('is no longer than the entry has been there', () => {
  const startedAgo = (seconds: bigint) => (row: Int32Array) => {
    const ns = NOW_NS - seconds * 1_000_000_000n;
    row[EntryWord.startNs] = Number(BigInt.asIntN(32, ns));
    row[EntryWord.startNs + 1] = Number(ns >> 32n);
    row[EntryWord.has]! |= EntryHas.start;
  };
  expect(idle(`-p udp ${PORTS} -t 20`, startedAgo(30n))).toBe(11);
  expect(idle(`-p udp ${PORTS} -t 20`, startedAgo(5n))).toBeNull();
});
