/**
 * Entries of a recorded trace, from its rows of `flows` and `packets`: those
 * still in the table when it ended.
 */
import type { BatchView } from '../columns/batch-view.ts';
import { Status } from '../model/codes.ts';
import type { Entry, EntryTuple } from '../model/entry.ts';
import type { Surroundings, Ways } from './stale.ts';

/** One namespace's part of a trace, seen from its packets first, its flows after them. */
export class RecordedEntries {
  /** By number of the flow. */
  readonly entries = new Map<string, Entry>();
  private readonly ways = new Map<string, Ways>();
  private readonly local = new Set<string>();
  private readonly notLocal = new Set<string>();
  private readonly netns: number;
  private readonly nameOf: (ifindex: number) => string | undefined;

  /** `nameOf`: of an interface of that namespace, where known. */
  constructor(netns: number, nameOf: (ifindex: number) => string | undefined) {
    this.netns = netns;
    this.nameOf = nameOf;
  }

  /** Local is what sends at output, what receives at input; what is forwarded is neither. */
  surroundings(): Pick<Surroundings, 'isLocal'> {
    return {
      isLocal: (address) => {
        if (this.local.has(address)) return true;
        return this.notLocal.has(address) ? false : undefined;
      },
    };
  }

  addPackets(view: BatchView): void {
    for (let row = 0; row < view.rows; row++) {
      if (view.numbers('netns')[row] === this.netns) this.addPacket(view, row);
    }
  }

  addFlows(view: BatchView): void {
    for (let row = 0; row < view.rows; row++) {
      if (view.numbers('netns')[row] !== this.netns || !view.isNull('ended_at', row)) continue;
      const flow = String(view.bigs('flow')[row]);
      // refused or merged: such an entry never was in the table
      if (['refused', 'merged', 'none'].includes(view.word('confirm', row) ?? '')) continue;
      this.entries.set(flow, { ...entryOf(view, row), ...this.ways.get(flow) });
    }
  }

  private addPacket(view: BatchView, row: number): void {
    const at = (hook: string): boolean => !view.isNull(`${hook}_at`, row);
    if (at('output')) this.local.add(view.address('src', row));
    else if (at('forward')) this.notLocal.add(view.address('src', row));
    if (at('input')) this.local.add(view.address('dst_after', row));
    else if (at('forward')) this.notLocal.add(view.address('dst_after', row));
    if (view.isNull('flow', row) || view.word('direction', row) !== 'original') return;
    const flow = String(view.bigs('flow')[row]);
    if (!this.ways.has(flow)) this.ways.set(flow, this.waysOf(view, row));
  }

  private waysOf(view: BatchView, row: number): Ways {
    const name = (column: string): string | undefined =>
      view.isNull(column, row) ? undefined : this.nameOf(view.numbers(column)[row]!);
    const from = name('in_ifindex');
    const out = name('out_ifindex');
    return { ...(from === undefined ? {} : { in: from }), ...(out === undefined ? {} : { out }) };
  }
}

function entryOf(view: BatchView, row: number): Entry {
  const number = (name: string): number => view.numbers(name)[row]!;
  const count = (name: string): number => Number(view.bigs(name)[row]);
  const status = number('status');
  return {
    family: number('family') === 6 ? 6 : 4,
    protocol: number('protocol'),
    original: tupleOf(view, row, ''),
    reply: tupleOf(view, row, '_reply'),
    zones: [number('zone'), number('zone')],
    mark: number('mark'),
    isExpected: (status & Status.expected) !== 0,
    status: (status & Status.assured) !== 0 ? '[ASSURED]' : '',
    timeoutS: null,
    packets: [count('packets'), count('packets_reply')],
    bytes: [count('bytes'), count('bytes_reply')],
    ageS: null,
  };
}

function tupleOf(view: BatchView, row: number, suffix: string): EntryTuple {
  return {
    src: view.address(`src${suffix}`, row),
    dst: view.address(`dst${suffix}`, row),
    srcPort: view.numbers(`src_port${suffix}`)[row]!,
    dstPort: view.numbers(`dst_port${suffix}`)[row]!,
  };
}
