/**
 * Drained bytes in, batches of all tables out: merge, rebuild and columns in a
 * row. The same for a live trace and for a capture, which is why their tables
 * are equal.
 */
import type { RecordBatch } from '../columns/arrow.ts';
import { BatchBuilder } from '../columns/batch.ts';
import { columnBatch } from '../columns/column-batch.ts';
import { NameBytes } from '../columns/names.ts';
import { Merge } from '../libbpf/merge.ts';
import type { CounterCount } from '../model/accounted.ts';
import type { Detail, TraceFacts } from '../model/facts.ts';
import type { Ledger } from '../model/ledger.ts';
import type { ModuleChange } from '../model/probe-change.ts';
import type { RowBuffer } from '../model/rows.ts';
import type { Ruleset } from '../model/ruleset.ts';
import { FAILURES, FLOWS, LOSSES, RULES, STATES_TABLE, type TableName } from '../model/tables.ts';
import type { ChangesFrom } from '../rebuild/changes.ts';
import type { RulesChange } from '../rebuild/decided-rules.ts';
import { Rebuild } from '../rebuild/rebuild.ts';
import { CountedBy, ruleRows } from '../rebuild/rule-rows.ts';
import type { Tally } from '../wire/tally.ts';
import { recordWords } from '../wire/words.ts';
import { lossRows } from './loss-rows.ts';

export interface NamedBatch {
  readonly table: TableName;
  readonly batch: RecordBatch;
}

/** Kernel functions by address, as text ("0x…" where there is none). */
export type SymbolAt = (address: bigint) => string;

/** Those that come as rows. */
type BuiltTable = Exclude<TableName, 'packets'>;

export class TraceTables {
  private readonly merge: Merge;
  private readonly rebuild: Rebuild;
  private readonly builders: Readonly<Record<BuiltTable, BatchBuilder>>;
  private ready: NamedBatch[] = [];
  /** Up to here all records were given to the rebuild. */
  private horizonHigh = 0;
  private horizonLow = 0;
  private changesKnown = 0;

  constructor(facts: TraceFacts, symbolAt: SymbolAt) {
    const clockOffsetNs = BigInt(facts.clockOffsetNs);
    this.merge = new Merge(facts.cpus);
    this.rebuild = new Rebuild({
      cpus: facts.cpus,
      dropReason: (reason) =>
        facts.dropReasons[reason] ?? (reason === 0 ? 'UNKNOWN' : String(reason)),
      symbol: (low, high) => symbolAt((BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)),
      clockOffsetNs,
      onPackets: (packets) =>
        this.ready.push({ table: 'packets', batch: columnBatch(packets, names) }),
      onRows: (rows) => this.build(rows),
      changesFrom: changesFrom(facts),
      refusalsTold: facts.extras.includes('refusals'),
    });
    const names = new NameBytes(this.rebuild.names.names);
    const context = { clockOffsetNs, names: this.rebuild.names.names };
    this.builders = {
      flows: new BatchBuilder(FLOWS, context),
      rules: new BatchBuilder(RULES, context),
      failures: new BatchBuilder(FAILURES, context),
      losses: new BatchBuilder(LOSSES, context),
      states: new BatchBuilder(STATES_TABLE, context),
    };
  }

  get tally(): Tally {
    return this.rebuild.tally;
  }

  get evicted(): number {
    return this.rebuild.evicted;
  }

  /** One drain's bytes, complete up to the horizon. The bytes are free again afterwards. */
  add(bytes: Uint8Array, horizonNs: bigint): void {
    this.merge.add(bytes);
    this.horizonHigh = Number(BigInt.asIntN(32, horizonNs >> 32n));
    this.horizonLow = Number(BigInt.asIntN(32, horizonNs));
    this.merge.release(this.horizonHigh, this.horizonLow, this.rebuild.records);
  }

  /** For whoever keeps the bytes alone: what the ledger and the reader of the bytes will ask for. */
  countOnly(bytes: Uint8Array): void {
    const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >>> 2);
    this.rebuild.countOnly(words, words.length / recordWords);
  }

  /** Rows that are finished, though they do not fill a batch. */
  flush(): void {
    this.rebuild.flush(this.horizonHigh, this.horizonLow);
  }

  /** After the last drain. */
  finish(): void {
    this.merge.releaseAll(this.rebuild.records);
    this.merge.close();
    this.rebuild.finish();
  }

  /** When rules were changed, more with every drain. */
  get rulesChanges(): readonly RulesChange[] {
    return this.rebuild.rulesChanges;
  }

  /** Inodes of the namespaces whose rules were changed since this was asked last. */
  takeRulesChanged(): readonly number[] {
    const { rulesChanges } = this.rebuild;
    if (rulesChanges.length === this.changesKnown) return [];
    const changed = rulesChanges.slice(this.changesKnown).map(({ netns }) => netns);
    this.changesKnown = rulesChanges.length;
    return changed;
  }

  /** Modules that came and went since this was asked last, in order. */
  takeModules(): readonly ModuleChange[] {
    return this.rebuild.modules.splice(0);
  }

  /** The table `rules`, after the last record. */
  addRules(readings: readonly Ruleset[], detail: Detail): void {
    const { decidedRules, rulesChanges: changes, names } = this.rebuild;
    const decided = decidedRules.all;
    const alone = decidedRules.hasAccounts ? CountedBy.accounting : CountedBy.none;
    const countedBy = detail === 'flows' ? alone : CountedBy.packets;
    const rows = ruleRows({ readings, changes, decided, countedBy }, names);
    if (rows.length > 0) this.build(rows);
  }

  /** Rows of `failures` so far, by what they explain of `conntrack -S`. */
  get countedFailures(): readonly CounterCount[] {
    return this.rebuild.failures.counts.all;
  }

  /** The table `losses`, made of the finished ledger. */
  addLedger(ledger: Ledger): void {
    if (ledger.rows.length > 0) this.build(lossRows(ledger));
  }

  /** Takes the batches that are ready; they are the caller's. */
  takeReady(): readonly NamedBatch[] {
    const ready = this.ready;
    this.ready = [];
    return ready;
  }

  private build(rows: RowBuffer): void {
    const table = rows.table.name as BuiltTable;
    const batch = this.builders[table].batch(rows.words, rows.length);
    this.ready.push({ table, batch });
  }
}

function changesFrom({ detail, extras }: TraceFacts): ChangesFrom {
  if (detail !== 'flows') return 'packets';
  return extras.includes('states') ? 'records' : 'nothing';
}
