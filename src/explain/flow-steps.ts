/** Rows of one flow as the steps of its life. */
import type { BatchView } from '../columns/batch-view.ts';
import { tupleText } from '../columns/describe-row.ts';
import { changeText } from '../columns/describe-state.ts';
import { HOOKS, type HookName, protocolName } from '../model/codes.ts';
import type { Manip } from '../model/ruleset.ts';

export interface Step {
  readonly packet: string;
  /** ns since 1970. */
  readonly at: string;
  readonly direction: string;
  readonly state: string;
  /** In the order in which it entered them. */
  readonly hooks: readonly {
    readonly hook: HookName;
    readonly chains: boolean;
    readonly rewritten: boolean;
  }[];
  readonly before: string;
  readonly after: string;
  readonly srcNat: string;
  readonly dstNat: string;
  readonly confirm: string;
  readonly verdict: string;
  /** `NETFILTER_DROP in nf_hook_slow`, or empty. */
  readonly drop: string;
  readonly isComplete: boolean;
}

/** A change of the entry's state. */
export interface ChangeOfState {
  /** ns since 1970. */
  readonly at: string;
  /** Null where flows alone were traced. */
  readonly packet: string | null;
  readonly direction: string;
  /** `syn_sent -> syn_recv, unreplied -> replied`. */
  readonly change: string;
  /** ns since the flow's first sight. */
  readonly sinceFirstNs: string;
}

export interface MappingLife {
  readonly manip: Manip;
  readonly decidedBy: string;
  /** rules.rule; null: none, or not resolved. */
  readonly rule: number | null;
  /** Chains that led to the rule, the base chain first; null: its own is one, or it is not known. */
  readonly path: readonly string[] | null;
  readonly before: string;
  readonly after: string;
}

export interface FlowLife {
  readonly flow: string;
  readonly netns: number;
  readonly zone: number;
  readonly protocol: string;
  readonly original: string;
  readonly reply: string;
  readonly isOlder: boolean;
  readonly isComplete: boolean;
  /** ns since 1970; null: not seen. */
  readonly firstAt: string;
  readonly confirmedAt: string | null;
  readonly endedAt: string | null;
  readonly confirm: string;
  readonly end: string;
  readonly mappings: readonly MappingLife[];
  readonly steps: readonly Step[];
  /** The first ones, as many as steps at most. */
  readonly changes: readonly ChangeOfState[];
  /** Packets beyond those told. */
  readonly morePackets: number;
}

/** `tcp 10.0.0.2:5000 > 10.0.1.1:80`, of a packet as it came or of a flow. `end`: `_reply` of a flow. */
export function flowText(view: BatchView, row: number, end: '' | '_reply' = ''): string {
  return `${protocolName(view.numbers('protocol')[row]!)} ${tupleText(view, row, end)}`;
}

/** What the row of `flows` has of it. */
export type TakenFromFlow = Omit<FlowLife, 'steps' | 'changes' | 'morePackets'>;

export function lifeOf(view: BatchView, row: number): TakenFromFlow {
  const time = (name: string): string | null =>
    view.isNull(name, row) ? null : String(view.bigs(name)[row]);
  return {
    flow: String(view.bigs('flow')[row]),
    netns: view.numbers('netns')[row]!,
    zone: view.numbers('zone')[row]!,
    protocol: protocolName(view.numbers('protocol')[row]!),
    original: tupleText(view, row),
    reply: tupleText(view, row, '_reply'),
    isOlder: view.isTrue('older', row),
    isComplete: view.isTrue('complete', row),
    firstAt: time('first_at') ?? '0',
    confirmedAt: time('confirmed_at'),
    endedAt: time('ended_at'),
    confirm: view.word('confirm', row) ?? '',
    end: view.word('end', row) ?? '',
    mappings: (['dst', 'src'] as const).map((manip) => mappingOf(view, row, manip)),
  };
}

/** An end of the original tuple, and what the reply tuple says became of it. */
function mappingOf(view: BatchView, row: number, manip: Manip): MappingLife {
  const [before, after] = [tupleText(view, row), tupleText(view, row, '_reply')];
  const ends = (text: string): string[] => text.replace(/ type .*/, '').split(' > ');
  const place = manip === 'src' ? 0 : 1;
  return {
    manip,
    decidedBy: view.word(`${manip}_nat`, row) ?? '',
    rule: view.isNull(`${manip}_rule`, row) ? null : view.numbers(`${manip}_rule`)[row]!,
    path: null,
    before: ends(before)[place]!,
    after: ends(after)[1 - place]!,
  };
}

export function stepOf(view: BatchView, row: number): Step {
  const word = (name: string): string => view.word(name, row) ?? '';
  const at = (hook: HookName): bigint => view.bigs(`${hook}_at`)[row]!;
  const passed = HOOKS.filter((hook) => !view.isNull(`${hook}_at`, row));
  const reason = view.word('drop_reason', row);
  return {
    packet: String(view.bigs('packet')[row]),
    at: String(view.bigs('started_at')[row]),
    direction: word('direction'),
    state: word('state'),
    hooks: passed
      .sort((a, b) => (at(a) < at(b) ? -1 : 1))
      .map((hook) => ({
        hook,
        chains: view.isTrue(`${hook}_chains`, row),
        rewritten: view.isTrue(`${hook}_rewritten`, row),
      })),
    before: tupleText(view, row),
    after: tupleText(view, row, '_after'),
    srcNat: word('src_nat'),
    dstNat: word('dst_nat'),
    confirm: word('confirm'),
    verdict: word('verdict'),
    drop:
      reason === null
        ? ''
        : `${reason} in ${view.word('drop_location', row) ?? 'a place not known'}`,
    isComplete: view.isTrue('complete', row),
  };
}

export function changeOf(view: BatchView, row: number): ChangeOfState {
  return {
    at: String(view.bigs('changed_at')[row]),
    packet: view.isNull('packet', row) ? null : String(view.bigs('packet')[row]),
    direction: view.word('direction', row) ?? '',
    change: changeText(view, row),
    sinceFirstNs: String(view.bigs('since_first_ns')[row]),
  };
}
