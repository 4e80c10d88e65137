/** A change of a conntrack entry's state as a line of text, for a person at a terminal. */
import { protocolName } from '../model/codes.ts';
import type { BatchView } from './batch-view.ts';
import { type NetnsName, timeText, tupleText } from './describe-row.ts';

/** `syn_sent -> syn_recv, unreplied -> replied`; of an entry's beginning `new -> syn_sent, unreplied`. */
export function changeText(view: BatchView, row: number): string {
  const word = (name: string): string | null => view.word(name, row);
  const [tcpBefore, tcpAfter] = [word('tcp_before'), word('tcp_after')];
  const [before, after] = [word('reply_before'), word('reply_after')];
  if (before === null) return `new -> ${[tcpAfter, after].filter(Boolean).join(', ')}`;
  const changes = [
    ...(tcpBefore === tcpAfter ? [] : [`${tcpBefore ?? 'unknown'} -> ${tcpAfter ?? 'unknown'}`]),
    ...(before === after ? [] : [`${before} -> ${after}`]),
  ];
  return changes.join(', ');
}

/** `0.000 ms`: thousandths are microseconds. */
function latencyText(ns: bigint): string {
  const micros = ns / 1000n;
  return `${micros / 1000n}.${String(micros % 1000n).padStart(3, '0')} ms`;
}

/** When, where, which flow, between which states, how long after its first sight. */
export function stateLine(view: BatchView, row: number, netnsName: NetnsName): string {
  const packet = view.isNull('packet', row) ? '' : `, packet ${view.bigs('packet')[row]}`;
  const isNew = view.isNull('reply_before', row);
  const since = isNew
    ? ''
    : `, ${latencyText(view.bigs('since_first_ns')[row]!)} after first sight`;
  return [
    timeText(view.bigs('changed_at')[row]!),
    netnsName(view.numbers('netns')[row]!),
    protocolName(view.numbers('protocol')[row]!),
    tupleText(view, row),
    `| ${changeText(view, row)}`,
    `| ${view.word('direction', row)} of flow ${view.bigs('flow')[row]}${packet}${since}`,
  ].join(' ');
}
