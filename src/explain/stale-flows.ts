/**
 * Entries of a recorded trace, from its rows of `flows` and `packets`: those
 * still in the table when it ended.
 */
import type { BatchView } from '../columns/batch-view.ts';
import { Status } from '../model/codes.ts';
import type { Entry, EntryTuple } from '../model/entry.ts';
import type { Surroundings, Ways } from './stale.ts';

export const LOOPBACK = 1;

/** A flow that ended `open`, as an entry of the table. */
export interface RecordedEntry {
  /** flows.flow. */
  readonly flow: string;
  readonly entry: Entry;
  /** It was in the table before the trace saw it. */
  readonly isOlder: boolean;
  /** ns since 1970. */
  readonly firstAt: number;
  /** False: records that would tell what it is were lost, or came too late. */
  readonly isComplete: boolean;
}

/** What is known of a namespace apart from its packets. */
export interface Place {
  /** Of an interface, by its number. */
  nameOf(ifindex: number): string | undefined;
  /** An address that it had when the trace began. */
  hadAddress(address: string): boolean;
}

/** One namespace's part of a trace, from its packets and flows in any order. */
export class RecordedEntries {
  private readonly flows: RecordedEntry[] = [];
  private readonly ways = new Map<string, Ways>();
  private readonly local = new Set<string>();
  private readonly notLocal = new Set<string>();
  private readonly place: Place;

  constructor(place: Place) {
    this.place = place;
  }

  *[Symbol.iterator](): Generator<RecordedEntry> {
    for (const recorded of this.flows) {
      yield { ...recorded, entry: { ...recorded.entry, ...this.ways.get(recorded.flow) } };
    }
  }

  /**
   * Local is what sends at output, what receives at input; what is forwarded is
   * neither, and what comes in by a wire was not sent from here.
   */
  surroundings(): Pick<Surroundings, 'isLocal'> {
    return {
      isLocal: (address) => {
        if (this.local.has(address)) return true;
        const isElsewhere = this.notLocal.has(address);
        // an address can move away during the trace
        if (this.place.hadAddress(address)) return isElsewhere ? undefined : true;
        return isElsewhere ? false : undefined;
      },
    };
  }

  addPacket(view: BatchView, row: number): void {
    const at = (hook: string): boolean => !view.isNull(`${hook}_at`, row);
    if (at('output')) this.local.add(view.address('src', row));
    else if (at('forward') || (at('prerouting') && isByWire(view, row))) {
      this.notLocal.add(view.address('src', row));
    }
    if (at('input')) this.local.add(view.address('dst_after', row));
    else if (at('forward')) this.notLocal.add(view.address('dst_after', row));
    if (view.isNull('flow', row) || view.word('direction', row) !== 'original') return;
    const flow = String(view.bigs('flow')[row]);
    if (!this.ways.has(flow)) this.ways.set(flow, this.waysOf(view, row));
  }

  addFlow(view: BatchView, row: number): void {
    if (view.word('end', row) !== 'open') return;
    const confirm = view.word('confirm', row) ?? 'unknown';
    const isInTable = confirm === 'inserted' || confirm === 'older';
    const isComplete = view.isTrue('complete', row) && isInTable;
    // refused or merged: such an entry never was in the table
    if (confirm === 'refused' || confirm === 'merged') return;
    if (confirm === 'none' && view.isTrue('complete', row)) return;
    this.flows.push({
      flow: String(view.bigs('flow')[row]),
      entry: entryOf(view, row),
      isOlder: view.isTrue('older', row),
      firstAt: Number(view.bigs('first_at')[row]),
      isComplete,
    });
  }

  private waysOf(view: BatchView, row: number): Ways {
    const name = (column: string): string | undefined =>
      view.isNull(column, row) ? undefined : this.place.nameOf(view.numbers(column)[row]!);
    const from = name('in_ifindex');
    const out = name('out_ifindex');
    return { ...(from === undefined ? {} : { in: from }), ...(out === undefined ? {} : { out }) };
  }
}

function isByWire(view: BatchView, row: number): boolean {
  return !view.isNull('in_ifindex', row) && view.numbers('in_ifindex')[row] !== LOOPBACK;
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
