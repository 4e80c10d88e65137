/** News of a table as they come, and what was thrown away made up for from a listing. */
import { ConntrackSocket, NewsGroup } from '../libbpf/conntrack-socket.ts';
import { ENTRY_WORDS, EntryRows, News } from '../model/entry-row.ts';
import { NewsView } from '../table/news-view.ts';

/** The ledger of news: what was not told, and what made up for it. */
export interface NewsLedger {
  /** Times that the kernel threw news away. */
  overruns: number;
  /** Listings after that, and what they told that no news had. */
  resyncs: number;
  appeared: number;
  changed: number;
  gone: number;
  /** News of what a listing had told already. */
  known: number;
  /** Entries from before, of which the kernel may tell nothing. */
  untold: number;
}

export interface ToldRows {
  readonly rows: EntryRows;
  /** Rows that tell something. */
  readonly told: readonly number[];
}

export class FollowedTable {
  readonly socket: ConntrackSocket;
  readonly view = new NewsView();
  readonly ledger: NewsLedger = {
    ...{ overruns: 0, resyncs: 0, appeared: 0, changed: 0, gone: 0, known: 0, untold: 0 },
  };
  private readonly lister: ConntrackSocket;
  private mustResync = false;

  private constructor(socket: ConntrackSocket, lister: ConntrackSocket) {
    this.socket = socket;
    this.lister = lister;
  }

  /** `receiveBytes`: of the socket's buffer. News are kept by the kernel from now on. */
  static open(netns: string | undefined, receiveBytes: number): FollowedTable {
    const groups = NewsGroup.new | NewsGroup.update | NewsGroup.destroy;
    const socket = ConntrackSocket.open({ netns, groups, receiveBytes });
    return new FollowedTable(socket, ConntrackSocket.open({ netns }));
  }

  /** Lists what is there already; `isAuto`: the kernel tells of what it made while somebody listened. */
  begin(isAuto: boolean): void {
    const { rows } = this.lister;
    this.lister.list(0);
    for (let isMore = true; isMore; ) {
      isMore = this.lister.next();
      for (let row = 0; row < rows.length; row++) this.view.put(rows.words, rows.at(row));
    }
    if (isAuto) this.ledger.untold = this.view.size;
  }

  /** What came within a time; after an overrun, once no news are left, what a listing tells. */
  async *next(timeoutMs: number): AsyncGenerator<ToldRows> {
    const { overruns } = await this.socket.wait(this.mustResync ? 0 : timeoutMs);
    this.ledger.overruns += overruns;
    if (overruns > 0) this.mustResync = true;
    const { rows } = this.socket;
    if (rows.length > 0) yield { rows, told: this.tellingRows(rows) };
    else if (this.mustResync) yield this.resync();
  }

  async close(): Promise<void> {
    await this.socket.close();
    await this.lister.close();
  }

  private tellingRows(rows: EntryRows): number[] {
    const told: number[] = [];
    for (let row = 0; row < rows.length; row++) {
      const at = row * ENTRY_WORDS;
      if (this.view.take(rows.words, at)) told.push(row);
      else this.ledger.known++;
    }
    return told;
  }

  private resync(): ToldRows {
    this.mustResync = false;
    const { rows, appeared, changed, gone } = this.view.repair(listing(this.lister));
    this.ledger.resyncs++;
    this.ledger.appeared += appeared;
    this.ledger.changed += changed;
    this.ledger.gone += gone;
    return { rows, told: Array.from({ length: rows.length }, (_, row) => row) };
  }
}

/** All entries of both families, in memory of our own. */
export function listing(socket: ConntrackSocket): EntryRows {
  let all = new EntryRows(socket.rows.capacity);
  socket.list(0);
  for (let isMore = true; isMore; ) {
    isMore = socket.next();
    if (all.length + socket.rows.length > all.capacity) all = enlarged(all);
    const { words, length } = socket.rows;
    all.words.set(words.subarray(0, length * ENTRY_WORDS), all.length * ENTRY_WORDS);
    all.length += length;
  }
  return all;
}

function enlarged(rows: EntryRows): EntryRows {
  const more = new EntryRows(rows.capacity * 2);
  more.words.set(rows.words);
  more.length = rows.length;
  return more;
}

const KINDS: Readonly<Record<number, string>> = {
  [News.new]: 'new',
  [News.update]: 'changed',
  [News.destroy]: 'destroyed',
};

/** `shown`: how many of each kind that was asked for; the ledger is of all. */
export function describeNews(ledger: NewsLedger, shown: ReadonlyMap<number, number>): string {
  const { overruns, resyncs, appeared, changed, gone, untold } = ledger;
  const text = [...shown].map(([kind, count]) => `${count} ${KINDS[kind]}`).join(', ');
  if (overruns === 0) {
    return untold === 0
      ? `complete: ${text}, none thrown away`
      : `${text}, none thrown away; the kernel may tell nothing of ${untold} from before`;
  }
  const times = `${overruns} ${overruns === 1 ? 'time' : 'times'}`;
  const listings = `${resyncs} ${resyncs === 1 ? 'listing' : 'listings'} made up for it`;
  const found = `${appeared} new, ${changed} changed, ${gone} gone of all`;
  const lost = 'lost are entries that came and went in between, and all but the last change';
  return `${text}; the kernel threw news away ${times}: ${listings}, ${found}; ${lost}`;
}
