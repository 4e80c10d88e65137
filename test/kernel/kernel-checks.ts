/**
 * What holds for every scenario: the trace against what the kernel itself
 * counted in the same run, by nft counters at every hook and `conntrack -L`.
 */
import { expect, it } from 'vitest';
import type { KernelTruth, NamespaceTruth } from '../../src/lab/truth.ts';
import { HOOKS } from '../../src/model/codes.ts';
import { imbalance, totalLost } from '../../src/model/ledger.ts';
import { entryText, flowText, listedFlows } from './entries.ts';
import { countAtHook, inNamespace, nonZero, type Row, type Trace } from './trace.ts';

export interface Played {
  readonly trace: Trace;
  readonly truth: KernelTruth;
}

/** A scenario's, of those that one guest played. */
export function playedIn<Name>(played: ReadonlyMap<Name, Played>, name: Name): Played {
  const found = played.get(name);
  if (found === undefined) throw new Error(`${name} was not played`);
  return found;
}

/** One namespace's rows and truth, without neighbour discovery and its like. */
export function ofNamespace({ trace, truth }: Played, namespace: string) {
  const there = truth.namespaces[namespace];
  if (there === undefined) throw new Error(`${truth.scenario} has no namespace ${namespace}`);
  return {
    there,
    packets: inNamespace(trace.packets, there).filter((row) => !isNeighbourMessage(row)),
    flows: inNamespace(trace.flows, there),
  };
}

/** Neighbour discovery, listener reports: they come when they like. */
export function isNeighbourMessage(row: Row): boolean {
  return row.protocol === 58 && Number(row.dst_port) >>> 8 >= 130;
}

/** The tests of one scenario; `play` is called within them. */
export function checkAgainstKernel(play: () => Played): void {
  it('lost nothing, and the ledger balances to the record', () => {
    const { ledger } = play().trace.end;
    expect(totalLost(ledger)).toBe(0);
    expect(ledger.rows.filter((row) => imbalance(row) !== 0)).toEqual([]);
    expect(ledger.rows.reduce((sum, row) => sum + row.delivered, 0)).toBeGreaterThan(0);
  });

  it('has the packets that nft counted before conntrack, hook by hook', () => {
    const { trace, truth } = play();
    for (const namespace of counted(truth)) {
      for (const hook of HOOKS) {
        const early = nonZero(namespace.hooks![hook].early);
        expect({ hook, ...countAtHook(trace.packets, namespace, hook) }).toEqual({
          hook,
          ...early,
        });
      }
    }
  });

  it('lets on the packets that nft counted after every other chain', () => {
    const { trace, truth } = play();
    for (const namespace of counted(truth)) {
      for (const hook of HOOKS) {
        const passed = (row: Row) =>
          row.verdict === 'accept' || row.last_hook !== hook || isRefusedByConfirm(row);
        const late = nonZero(namespace.hooks![hook].late);
        expect({ hook, ...countAtHook(trace.packets, namespace, hook, passed) }).toEqual({
          hook,
          ...late,
        });
      }
    }
  });

  it('has the flows of conntrack -L, entry for entry', () => {
    const { trace, truth } = play();
    for (const namespace of Object.values(truth.namespaces)) {
      const listed = listedFlows(inNamespace(trace.flows, namespace), namespace.conntrack);
      const ours = listed.map(flowText).sort();
      expect(ours).toEqual(namespace.conntrack.map((line) => entryText(line)).sort());
    }
  });

  it('has no torn packet and no flow without its tuples', () => {
    const { trace } = play();
    expect(trace.packets.filter((row) => row.complete !== true)).toEqual([]);
    expect(trace.flows.filter((row) => row.complete !== true)).toEqual([]);
  });

  it('shows rule decisions only on the first packet of a flow', () => {
    for (const flow of play().trace.flows) {
      const packets = packetsOf(play().trace, flow);
      const deciding = packets.filter((row) => row.src_nat === 'rule' || row.dst_nat === 'rule');
      expect(deciding.length).toBeLessThanOrEqual(1);
      if (flow.src_nat === 'rule' || flow.dst_nat === 'rule')
        expect(deciding).toEqual([packets[0]]);
    }
  });
}

function counted(truth: KernelTruth): NamespaceTruth[] {
  return Object.values(truth.namespaces).filter((namespace) => namespace.hooks !== null);
}

/** Confirmation is the very last function of a hook: such a packet has passed all chains. */
function isRefusedByConfirm(row: Row): boolean {
  return row.verdict === 'drop' && row.confirm === 'refused';
}

/** A flow's packets in order of time. */
function packetsOf(trace: Trace, flow: Row): Row[] {
  return trace.packets
    .filter((row) => row.flow === flow.flow)
    .sort((a, b) => ((a.started_ktime_ns as bigint) < (b.started_ktime_ns as bigint) ? -1 : 1));
}

export function byStart(a: Row, b: Row): number {
  return (a.started_ktime_ns as bigint) < (b.started_ktime_ns as bigint) ? -1 : 1;
}

/** As tcpdump -n -q -t writes it: port after a dot, none for ICMP. */
export function wireText(row: Row, suffix: string): string {
  const hasPorts = row.protocol === 6 || row.protocol === 17;
  const end = (side: string) =>
    `${row[`${side}${suffix}`]}${hasPorts ? `.${row[`${side}_port${suffix}`]}` : ''}`;
  return `${end('src')} > ${end('dst')}`;
}

export function sniffedText(line: string): string {
  const [, ends] = /^IP6? (\S+ > \S+):/.exec(line) ?? [];
  if (ends === undefined) throw new Error(`tcpdump wrote: ${line}`);
  return ends;
}
