/** A row of `failures` as a line of text, with what to do about it. */
import { endText } from '../model/address.ts';
import { protocolName } from '../model/codes.ts';
import { CAUSES, Cause, type CauseCode } from '../model/failure-codes.ts';
import type { BatchView } from './batch-view.ts';
import { type NetnsName, timeText, tupleText } from './describe-row.ts';

/** What a person can do, where there is something. */
const ADVICE: Readonly<Partial<Record<CauseCode, string>>> = {
  [Cause.refusedAtOnce]:
    'a closed TCP flow stands in the way until it times out, or memory is short',
  [Cause.tableFull]: 'raise net.netfilter.nf_conntrack_max, or find who fills it: conntrack -L',
  [Cause.evicted]: 'raise net.netfilter.nf_conntrack_max',
  [Cause.mappingTaken]: 'give NAT more addresses or ports to choose from',
  [Cause.noFreePort]: 'give NAT more addresses or ports to choose from',
  [Cause.expectationRefused]: "the helper's limit is reached, or another flow is expected there",
};

export function failureLine(view: BatchView, row: number, netnsName: NetnsName): string {
  const cause = view.numbers('cause')[row]! as CauseCode;
  const advice = ADVICE[cause];
  const told = [
    `| ${CAUSES[cause]}${saidText(view, row)}`,
    ...notes(view, row),
    view.isNull('counters', row) ? '' : `counted as ${view.word('counters', row)}`,
    advice === undefined ? '' : `to do: ${advice}`,
  ];
  return [
    timeText(view.bigs('failed_at')[row]!),
    netnsName(view.numbers('netns')[row]!),
    packetText(view, row),
    told.filter((note) => note !== '').join('; '),
  ].join(' ');
}

function packetText(view: BatchView, row: number): string {
  if (view.isNull('src', row)) return 'packet not known';
  return `${protocolName(view.numbers('protocol')[row]!)} ${tupleText(view, row)}`;
}

/** The kernel's words, and how far they are the only proof. */
function saidText(view: BatchView, row: number): string {
  const text = view.word('text', row);
  if (text === null) return '';
  return `: "${text}"${view.word('known_by', row) === 'text' ? ' (by its words)' : ''}`;
}

function notes(view: BatchView, row: number): string[] {
  const number = (name: string): number | null =>
    view.isNull(name, row) ? null : view.numbers(name)[row]!;
  const tries = number('tries');
  const fill = number('fill');
  const limit = number('limit');
  const rule = number('rule');
  return [
    view.isNull('hook', row) ? '' : `at ${view.word('hook', row)}`,
    view.isNull('flow', row) ? '' : `flow ${view.bigs('flow')[row]}`,
    rivalText(view, row),
    tries === null ? '' : `${tries} tries`,
    rangeText(view, row),
    rule === null ? '' : `by rule ${rule}`,
    fill === null ? '' : `${fill} entries${limit === null ? '' : ` of ${limit}`}`,
  ];
}

function rivalText(view: BatchView, row: number): string {
  if (view.isNull('rival', row)) return '';
  const name = view.word('cause', row) === 'evicted' ? 'victim' : 'rival';
  const number = `${name}: flow ${view.bigs('rival')[row]}`;
  return view.isNull('rival_src', row) ? number : `${number} ${rivalTuple(view, row)}`;
}

function rivalTuple(view: BatchView, row: number): string {
  const end = (side: string): string =>
    endText(view.address(`rival_${side}`, row), view.numbers(`rival_${side}_port`)[row]!, true);
  return `${end('src')} > ${end('dst')}`;
}

/** `203.0.113.1-203.0.113.1 ports 40000-40001`. */
function rangeText(view: BatchView, row: number): string {
  const both = (name: string, text: (column: string) => string | number): string =>
    view.isNull(`min_${name}`, row) ? '' : `${text(`min_${name}`)}-${text(`max_${name}`)}`;
  const addresses = both('address', (column) => view.address(column, row));
  const ports = both('port', (column) => view.numbers(column)[row]!);
  const known = [addresses, ports === '' ? '' : `ports ${ports}`].filter((part) => part !== '');
  return known.length === 0 ? '' : `of ${known.join(' ')}`;
}
