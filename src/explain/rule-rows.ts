/** Rows of the table `rules` as plain data. */
import type { BatchView } from '../columns/batch-view.ts';
import type { HookName } from '../model/codes.ts';
import { TraceError } from '../model/error.ts';
import type { Action, RulesBackend, Term } from '../model/ruleset.ts';

/** The kernel's counter of one rule, when it was first and last read. */
export interface RuleCounter {
  readonly before: number;
  readonly after: number;
}

/** What a rule's mappings did during the trace, as the table says. */
export interface TrueCounts {
  readonly flows: number;
  readonly packets: number;
  readonly packetsReply: number;
  readonly bytes: number;
  readonly bytesReply: number;
  readonly countedBy: string;
}

export interface RuleRow {
  /** rules.rule: what flows.src_rule and flows.dst_rule name. */
  readonly number: number;
  /** Place among all rows: the order of evaluation within a namespace. */
  readonly order: number;
  readonly netns: number;
  readonly backend: RulesBackend;
  /** Null, and with it all that was not read: a rule that decided and was gone before it was read. */
  readonly family: string | null;
  readonly table: string;
  readonly tableHandle: number;
  readonly chain: string;
  /** nft: the handle. legacy: offset in its table. */
  readonly handle: number;
  /** Place in its chain, from 1; 0: never read. */
  readonly place: number;
  readonly hook: HookName | null;
  readonly priority: number;
  readonly policy: 'accept' | 'drop';
  readonly text: string;
  readonly terms: readonly Term[];
  readonly actions: readonly Action[];
  /** Wall clock, ns since 1970, as near as a number comes; null as in the table. */
  readonly addedAt: number | null;
  readonly removedAt: number | null;
  readonly counter: RuleCounter | null;
  readonly counts: TrueCounts;
}

interface Program {
  readonly terms: readonly Term[];
  readonly actions: readonly Action[];
}

const NEVER_READ: Program = { terms: [{ unknown: 'the rule, never read' }], actions: [] };

/** `first`: rows that came before. */
export function readRules(view: BatchView, first = 0): RuleRow[] {
  return Array.from({ length: view.rows }, (_, row) => readRule(view, row, first + row));
}

function readRule(view: BatchView, row: number, order: number): RuleRow {
  const text = (name: string): string => view.word(name, row) ?? '';
  const big = (name: string): number => Number(view.bigs(name)[row]!);
  const orNull = (name: string): number | null => (view.isNull(name, row) ? null : big(name));
  const { terms, actions } = programOf(view.word('program', row), view.numbers('rule')[row]!);
  const [before, after] = [orNull('packets_before'), orNull('packets_after')];
  return {
    number: view.numbers('rule')[row]!,
    order,
    netns: view.numbers('netns')[row]!,
    backend: text('backend') as RulesBackend,
    family: view.word('family', row),
    table: text('table'),
    tableHandle: big('table_handle'),
    chain: text('chain'),
    handle: big('handle'),
    place: view.isNull('number', row) ? 0 : view.numbers('number')[row]!,
    hook: view.word('hook', row) as HookName | null,
    priority: Number(text('priority')),
    policy: view.word('policy', row) === 'drop' ? 'drop' : 'accept',
    text: text('text'),
    terms,
    actions,
    addedAt: orNull('added_at'),
    removedAt: orNull('removed_at'),
    counter: before === null || after === null ? null : { before, after },
    counts: {
      flows: big('flows'),
      packets: big('packets'),
      packetsReply: big('packets_reply'),
      bytes: big('bytes'),
      bytesReply: big('bytes_reply'),
      countedBy: text('counted_by'),
    },
  };
}

function programOf(json: string | null, rule: number): Program {
  if (json === null) return NEVER_READ;
  try {
    return JSON.parse(json) as Program;
  } catch (cause) {
    const found = JSON.stringify(json.slice(0, 20));
    const message = `rules.program of rule ${rule} is ${found}, needed JSON`;
    throw new TraceError('corrupt', message, { cause });
  }
}

/** Does it decide a mapping, or is it in a nat chain for its counter or verdict alone? */
export function isNatRule({ actions }: Pick<RuleRow, 'actions'>): boolean {
  return actions.some(({ does }) => does === 'nat' || does === 'nat map');
}

/** Equal for rows of one rule that decided under several numbers. */
export function identityOf(row: RuleRow): string {
  if (row.family === null) return String(row.number);
  const { netns, backend, family, table, tableHandle, chain, place, addedAt, removedAt } = row;
  return [netns, backend, family, table, tableHandle, chain, place, addedAt, removedAt].join(' ');
}

/** Leads to other rules: it counts what they are asked about, and has no answer of its own. */
export function isJump({ actions }: Pick<RuleRow, 'actions'>): boolean {
  return actions.some(({ does }) => does === 'jump' || does === 'goto' || does === 'verdict map');
}

/** `ip nat prerouting handle 4`; of iptables `nat/POSTROUTING/3`, with `ip6 ` before it for IPv6. */
export function ruleName(row: RuleRow): string {
  if (row.family === null) return `rule ${row.handle} that was never read`;
  if (row.backend === 'nft') return `${row.family} ${row.table} ${row.chain} handle ${row.handle}`;
  const family = row.family === 'ip6' ? 'ip6 ' : '';
  return `${family}${row.table}/${row.chain}/${row.place}`;
}
