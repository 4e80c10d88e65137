/** What `table events` shows beside the lines of conntrack. */
import { describe, expect, it } from 'vitest';
import { HEAD, NEWS_HEAD, newsColumn } from '../../src/cli/table-columns.ts';
import { describeNews } from '../../src/cli/table-followed.ts';
import { ENTRY_WORDS, News } from '../../src/model/entry-row.ts';

describe('the column of news', () => {
  it('has the words of conntrack -E, as wide as its head', () => {
    const words = new Int32Array(ENTRY_WORDS * 2);
    const of = (news: number): string => {
      words[ENTRY_WORDS] = news << 24;
      return newsColumn(words, ENTRY_WORDS);
    };
    expect([News.new, News.update, News.destroy].map(of)).toEqual([
      'NEW      ',
      'UPDATE   ',
      'DESTROY  ',
    ]);
    expect(NEWS_HEAD).toBe(`news     ${HEAD}`);
  });
});

describe('the last words', () => {
  const ledger = { overruns: 0, resyncs: 0, appeared: 0, changed: 0, gone: 0, known: 0, untold: 0 };

  it('count what was shown, of the kinds that were asked for', () => {
    const shown = new Map([
      [News.new, 3],
      [News.destroy, 2],
    ]);
    expect(describeNews(ledger, shown)).toBe('complete: 3 new, 2 destroyed, none thrown away');
  });

  it('say what made up for what was thrown away, and what nothing did', () => {
    const overrun = {
      overruns: 2,
      resyncs: 1,
      appeared: 5,
      changed: 6,
      gone: 7,
      known: 8,
      untold: 0,
    };
    expect(describeNews(overrun, new Map([[News.update, 9]]))).toBe(
      '9 changed; the kernel threw news away 2 times: 1 listing made up for it, 5 new, 6 changed, 7 gone of all; lost are entries that came and went in between, and all but the last change',
    );
  });
});
