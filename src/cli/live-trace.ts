/**
 * One live trace from attach to the finished ledger: drains the rings, makes
 * the tables, and hands both on. Ends by itself after a time, or when it is
 * told to; either way the probes are gone and every record is handed on.
 */
import { ledgerRows } from '../capture/kernel-counters.ts';
import { Session, type SessionOptions } from '../capture/session.ts';
import { readConntrackStats } from '../kernel/conntrack-stats.ts';
import { readNetnsStats } from '../kernel/netns-stats.ts';
import type { TraceEnd, TraceFacts } from '../model/facts.ts';
import type { ConntrackStats, Ledger } from '../model/ledger.ts';
import type { ModuleChange, ProbeChange } from '../model/probe-change.ts';
import type { RulesChange } from '../rebuild/decided-rules.ts';
import { recordBytes } from '../wire/layout.ts';
import { accountedBy, movedCounters } from './explained.ts';
import { RulesWatch } from './rules-watch.ts';
import { TraceTables } from './tables.ts';
import type { RunOptions, TraceSinks } from './trace-sinks.ts';

/** Room for one drain, of two: one is written while the other fills. */
export const DRAIN_BYTES = 32_768 * recordBytes;
const FEW_BYTES = DRAIN_BYTES / 2; // no more for now, though probes go on to write
/** Rows that are ready wait no longer than this for the rest of their batch. */
const FLUSH_MS = 1000;

export class LiveTrace {
  private readonly session: Session;
  private readonly tables: TraceTables;
  private readonly symbols: Record<string, string> = {};
  private readonly statsBefore: ConntrackStats | null;
  private moved: Ledger['conntrackMoved'];
  private isStopping = false;
  private startedKtimeNs: string | null = null;
  private rules: RulesWatch | undefined;
  private readonly probeChanges: ProbeChange[] = [];
  private onProbes: RunOptions['onProbes'];
  private readonly buffers = [new Uint8Array(DRAIN_BYTES), new Uint8Array(DRAIN_BYTES)]; // in turn

  private constructor(session: Session) {
    this.session = session;
    this.statsBefore = readConntrackStats();
    this.tables = new TraceTables(session.facts, (address) => this.symbolAt(address));
  }

  static open(options: SessionOptions): LiveTrace {
    return new LiveTrace(Session.open(options));
  }

  get facts(): TraceFacts {
    return this.session.facts;
  }

  /** When rules were changed, more while it runs. */
  get rulesChanges(): readonly RulesChange[] {
    return this.tables.rulesChanges;
  }

  /** Records delivered so far. */
  get delivered(): number {
    return sumOf(this.tables.tally.delivered);
  }

  /** Sequence numbers missing so far. */
  get skipped(): number {
    return sumOf(this.tables.tally.skipped);
  }

  /** Ends the trace soon; can be called from a signal handler. */
  stop(): void {
    this.isStopping = true;
    this.session.wake();
  }

  /** Resolves when the trace has ended and everything was handed on. Runs once. */
  async run(
    sinks: TraceSinks,
    { onStarted, onProbes, durationMs, latencyMs, readsRules = false }: RunOptions,
  ): Promise<TraceEnd> {
    this.onProbes = onProbes;
    this.rules = readsRules ? new RulesWatch() : undefined;
    await this.rules?.read();
    const statsBefore = await readNetnsStats();
    await this.session.start();
    this.startedKtimeNs = process.hrtime.bigint().toString();
    this.follow(this.session.modulesMissed());
    onStarted();
    const timer = durationMs === undefined ? undefined : setTimeout(() => this.stop(), durationMs);
    try {
      await this.drain(sinks, latencyMs, () => this.isStopping);
      while (this.session.tellOpen() > 0) await this.drain(sinks, 0, (bytes) => bytes < FEW_BYTES);
      const statsAfter = this.drainBeside(sinks, latencyMs, readNetnsStats());
      this.moved = movedCounters(statsBefore, await statsAfter);
      await this.session.stop();
      await this.drain(sinks, 0, (bytes) => bytes === 0);
      while (this.session.tellQueued() > 0) await this.drain(sinks, 0, (bytes) => bytes === 0);
      while (this.session.tellTaken() > 0) await this.drain(sinks, 0, (bytes) => bytes === 0);
      await this.drain(sinks, 0, (bytes) => bytes === 0);
      await this.rules?.read();
      return await this.finish(sinks);
    } finally {
      clearTimeout(timer);
      await this.rules?.close();
      for (const note of this.rules?.notes ?? []) process.stderr.write(note);
    }
  }

  async close(): Promise<void> {
    await this.session.close();
  }

  /** Probes still record while it goes on. */
  private async drainBeside<T>(sinks: TraceSinks, latencyMs: number, work: Promise<T>): Promise<T> {
    let isDone = false;
    const end = () => {
      isDone = true;
      this.session.wake();
    };
    void work.then(end, end);
    await this.drain(sinks, latencyMs, () => isDone);
    return work;
  }

  /** Drains until `isEnough`, asked after each drain with its bytes. */
  private async drain(
    sinks: TraceSinks,
    timeoutMs: number,
    isEnough: (bytes: number) => boolean,
  ): Promise<void> {
    let writing: Promise<void> = Promise.resolve();
    let flushedAt = performance.now();
    for (let turn = 0; ; turn++) {
      const buffer = this.buffers[turn & 1]!;
      const { bytes, horizonNs } = await this.session.take(buffer, timeoutMs);
      await writing;
      const drained = buffer.subarray(0, bytes);
      if (sinks.needsTables) this.tables.add(drained, horizonNs);
      else this.tables.countOnly(drained);
      this.rules?.changed(this.tables.takeRulesChanged());
      this.follow(this.tables.takeModules());
      if (performance.now() - flushedAt > FLUSH_MS) {
        this.tables.flush();
        flushedAt = performance.now();
      }
      writing = this.handOn(sinks, drained, horizonNs);
      writing.catch(() => undefined); // awaited, and so reported, one turn later
      if (isEnough(bytes)) break;
    }
    await writing;
  }

  /** Goes on beside the draining. What new probes cannot have seen of the rules is read. */
  private follow(changes: readonly ModuleChange[]): void {
    if (changes.length === 0 || this.isStopping) return;
    void this.session.follow(changes).then((change) => {
      if (change === undefined) return;
      this.probeChanges.push(change);
      this.rules?.changedAnywhere();
      this.onProbes?.(change);
    });
  }

  private async handOn(sinks: TraceSinks, drained: Uint8Array, horizonNs: bigint): Promise<void> {
    const batches = this.tables.takeReady();
    await sinks.drained(drained, horizonNs);
    for (const batch of batches) await sinks.batch(batch);
  }

  private async finish(sinks: TraceSinks): Promise<TraceEnd> {
    this.tables.finish();
    const before = this.statsBefore;
    const after = readConntrackStats();
    const counters = this.session.counters();
    const { tally, evicted } = this.tables;
    for (const [cpu, { seq }] of counters.entries()) tally.end(cpu, seq, process.hrtime.bigint());
    const ledger = {
      rows: ledgerRows(counters, tally, { evicted, recursion: this.session.recursionMisses() }),
      lossWindow: tally.lossWindow,
      conntrackStats: before !== null && after !== null ? { before, after } : null,
      ...accountedBy(this.moved, sinks.needsTables ? this.tables.countedFailures : undefined),
    };
    const rulesets = this.rules?.readings ?? [];
    this.tables.addRules(rulesets, this.session.facts.detail);
    this.tables.addLedger(ledger);
    for (const batch of this.tables.takeReady()) await sinks.batch(batch);
    const endedKtimeNs = process.hrtime.bigint().toString();
    const { symbols, startedKtimeNs, probeChanges } = this;
    return { ledger, symbols, rulesets, startedKtimeNs, endedKtimeNs, probeChanges };
  }

  private symbolAt(address: bigint): string {
    const key = `0x${address.toString(16)}`;
    this.symbols[key] ??= this.session.symbolAt(address);
    return this.symbols[key];
  }
}

function sumOf(counts: Float64Array): number {
  return counts.reduce((sum, count) => sum + count, 0);
}
