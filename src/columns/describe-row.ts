/** A row as a line of text, in the vocabulary, for a person at a terminal. */

import { endText } from '../model/address.ts';
import { HOOKS, type HookName, protocolName } from '../model/codes.ts';
import type { BatchView } from './batch-view.ts';

const WITH_PORTS: ReadonlySet<number> = new Set([6, 17, 33, 132, 136]);
const ICMP: ReadonlySet<number> = new Set([1, 58]);

export type NetnsName = (inode: number) => string;

/** `10.0.1.2:5001 > 203.0.113.2:53`; ICMP: `10.0.1.2 > 203.0.113.2 type 8 code 0 id 220`. */
export function tupleText(view: BatchView, row: number, suffix = ''): string {
  const protocol = view.numbers('protocol')[row]!;
  const srcPort = view.numbers(`src_port${suffix}`)[row]!;
  const dstPort = view.numbers(`dst_port${suffix}`)[row]!;
  const hasPorts = WITH_PORTS.has(protocol);
  const src = endText(view.address(`src${suffix}`, row), srcPort, hasPorts);
  const dst = endText(view.address(`dst${suffix}`, row), dstPort, hasPorts);
  if (!ICMP.has(protocol)) return `${src} > ${dst}`;
  return `${src} > ${dst} type ${dstPort >>> 8} code ${dstPort & 255} id ${srcPort}`;
}

/** `prerouting[chains,rewritten] forward postrouting`: the way, and what happened on it. */
function wayText(view: BatchView, row: number): string {
  const passed = HOOKS.filter((hook) => !view.isNull(`${hook}_at`, row));
  const at = (hook: HookName): bigint => view.bigs(`${hook}_at`)[row]!;
  return passed
    .sort((a, b) => (at(a) < at(b) ? -1 : 1))
    .map((hook) => {
      const notes = [
        ...(view.isTrue(`${hook}_chains`, row) ? ['nat chains'] : []),
        ...(view.isTrue(`${hook}_rewritten`, row) ? ['rewritten'] : []),
      ];
      return notes.length === 0 ? hook : `${hook} (${notes.join(', ')})`;
    })
    .join(' > ');
}

/** Who decided each end: `src by rule, dst by mapping`; empty where no NAT applies. */
function natText(view: BatchView, row: number): string {
  return (['src', 'dst'] as const)
    .flatMap((manip) => {
      const decision = view.word(`${manip}_nat`, row);
      return decision === null || decision === 'none' ? [] : [`${manip} by ${decision}`];
    })
    .join(', ');
}

/** HH:MM:SS.uuuuuu, UTC. */
export function timeText(ns: bigint): string {
  const iso = new Date(Number(ns / 1_000_000n)).toISOString();
  const micros = String((ns / 1_000n) % 1_000_000n).padStart(6, '0');
  return `${iso.slice(11, 19)}.${micros}`;
}

/** One traversal on one line: when, where, what it was, its way, what became of it. */
export function packetLine(view: BatchView, row: number, netnsName: NetnsName): string {
  const protocol = protocolName(view.numbers('protocol')[row]!);
  const before = tupleText(view, row);
  const after = tupleText(view, row, '_after');
  const parts = [
    timeText(view.bigs('started_at')[row]!),
    netnsName(view.numbers('netns')[row]!),
    protocol,
    before === after ? before : `${before} => ${after}`,
    `| ${wayText(view, row)}`,
    `| ${view.word('verdict', row)}`,
  ];
  const state = view.word('state', row);
  const direction = view.word('direction', row);
  const notes = [
    state === 'none' ? '' : state,
    direction === null ? '' : `${direction} of flow ${view.bigs('flow')[row]}`,
    natText(view, row),
    view.word('confirm', row) === 'none' ? '' : `confirm ${view.word('confirm', row)}`,
    dropText(view, row),
    view.isTrue('complete', row) ? '' : 'torn',
  ];
  return `${parts.join(' ')} | ${notes.filter((note) => note !== '').join(', ')}`;
}

function dropText(view: BatchView, row: number): string {
  const reason = view.word('drop_reason', row);
  return reason === null ? '' : `dropped ${reason} in ${view.word('drop_location', row)}`;
}

/** One flow on one line: both tuples, its mappings, how it went. */
export function flowLine(view: BatchView, row: number, netnsName: NetnsName): string {
  const counts = `${view.bigs('packets')[row]} packets, ${view.bigs('packets_reply')[row]} replies`;
  const notes = [
    `src ${view.word('src_nat', row)}`,
    `dst ${view.word('dst_nat', row)}`,
    `confirm ${view.word('confirm', row)}`,
    view.word('end', row) ?? '',
    counts,
    view.isTrue('older', row) ? 'older than the trace' : '',
    view.isTrue('complete', row) ? '' : 'incomplete',
  ];
  return [
    timeText(view.bigs('first_at')[row]!),
    netnsName(view.numbers('netns')[row]!),
    protocolName(view.numbers('protocol')[row]!),
    tupleText(view, row),
    `reply ${tupleText(view, row, '_reply')}`,
    `| flow ${view.bigs('flow')[row]}: ${notes.filter((note) => note !== '').join(', ')}`,
  ].join(' ');
}
