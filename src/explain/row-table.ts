/** Many rows of intervals, of a set or a map, looked up as the kernel does: the first that holds. */
import type { Field, Interval } from '../model/ruleset.ts';
import type { Seen } from './asked.ts';
import { exactText, rowTest, type Test } from './row-match.ts';

/** `first`: the row that holds for certain, -1 for none; `maybe`: rows before it that may. */
export interface Hit {
  readonly first: number;
  readonly maybe: readonly number[];
}

const NONE: readonly number[] = [];

export class RowTable {
  private readonly fields: readonly Field[];
  private readonly tests: readonly Test[];
  /** Rows of single values by their key; those left over must be compared. */
  private readonly exact = new Map<string, number>();
  private readonly others: number[] = [];

  constructor(fields: readonly Field[], rows: readonly (readonly Interval[])[], mask?: number) {
    this.fields = fields;
    this.tests = rows.map((row) => rowTest(fields, row, mask));
    for (const [index, row] of rows.entries()) {
      const texts = fields.map((field, place) => exactText(field, row[place]!));
      const key = keyOf(texts);
      if (key === undefined) this.others.push(index);
      else if (!this.exact.has(key)) this.exact.set(key, index);
    }
  }

  find(seen: Seen): Hit {
    const key =
      this.exact.size === 0 ? undefined : keyOf(this.fields.map((name) => seen.text(name)));
    if (key === undefined)
      return this.scan(seen, this.exact.size === 0 ? this.others : undefined, -1);
    return this.scan(seen, this.others, this.exact.get(key) ?? -1);
  }

  /** `rows` in order, all if undefined; not past `known`, a row that is known to hold. */
  private scan(seen: Seen, rows: readonly number[] | undefined, known: number): Hit {
    let maybe: number[] | undefined;
    const count = rows?.length ?? this.tests.length;
    for (let place = 0; place < count; place++) {
      const row = rows === undefined ? place : rows[place]!;
      if (known >= 0 && row > known) break;
      const truth = this.tests[row]!(seen);
      if (truth === 'yes') return { first: row, maybe: maybe ?? NONE };
      if (truth !== 'maybe') continue;
      maybe ??= [];
      maybe.push(row);
    }
    return { first: known, maybe: maybe ?? NONE };
  }
}

function keyOf(texts: readonly (string | undefined)[]): string | undefined {
  let key = '';
  for (const text of texts) {
    if (text === undefined) return undefined;
    key += `${text} `;
  }
  return key;
}
