/**
 * Most records: what is told of a new entry and of one that ends, and the first
 * about their packet, of a known flow, with tuples that its entry has. The shim
 * reads them, in one call as many as follow each other.
 */
import { ReadFlag } from '../libbpf/flows.ts';
import { RecordFlag } from '../wire/layout.ts';
import type { DecidedRules } from './decided-rules.ts';
import type { FlowStore } from './flow-store.ts';
import type { PacketRows } from './packet-rows.ts';
import type { Stage } from './stage.ts';

/** How a packet left stands in its entry, or is how it came. */
export const LEFT_BY_ENTRY = RecordFlag.packetLeftAsCame | RecordFlag.packetLeftAsMapped;

export interface PlainPlaces {
  readonly stage: Stage;
  readonly store: FlowStore;
  readonly rules: DecidedRules;
  readonly rows: PacketRows;
}

export class Plain {
  private readonly places: PlainPlaces;
  private readonly changes: number;

  /** `areChangesTold`: by records of their own, the first one by what tells of an entry. */
  constructor(places: PlainPlaces, areChangesTold: boolean) {
    this.places = places;
    this.changes = areChangesTold ? ReadFlag.changes : 0;
  }

  /**
   * Reads the stage's records from word `at` on as far as they are plain and
   * there is room, up to `end`: all else that reads records would do the same,
   * one by one. Returns the word of the first one that is not read.
   */
  read(at: number, end: number, withPackets: boolean): number {
    const { stage, store, rules, rows } = this.places;
    const read = store.readPlain({
      records: stage.words,
      at,
      end,
      staged: stage.staged,
      places: rows.places,
      rules: rules.known.words,
      ruleCount: rules.known.count,
      count: stage.count,
      room: stage.room,
      begun: rows.begun,
      mark: stage.relyingMark,
      flags: this.changes | (withPackets ? ReadFlag.packets : 0),
    });
    if (read.hasAccounts) rules.hasAccounts = true;
    stage.advance(read.staged);
    rows.advance(read.staged);
    return read.at;
  }
}
