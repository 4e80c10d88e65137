/** A block of statistics explained: each counter, and what to do about those that moved. */
import { type Explanation, type Fact, NOTHING } from './explain-shapes.ts';
import { type StatsRecord, totalStats } from './parse-stats.ts';
import { ageText, counterWords } from './stats-counters.ts';

const SIZES: ReadonlySet<string> = new Set(['entries']);

export function explainStats({ rows, isOfExpectations }: StatsRecord): Explanation {
  const total = totalStats(rows);
  const moved = Object.entries(total).filter(([name, count]) => count > 0 && !SIZES.has(name));
  const of = isOfExpectations ? ' of expectations' : '';
  const on = rows.some(({ cpu }) => cpu === null)
    ? ''
    : rows.length === 1
      ? ', 1 CPU'
      : `, ${rows.length} CPUs`;
  const found = moved.map(([name, count]) => `${name} ${count}`).join(', ');
  return {
    ...NOTHING,
    title: `statistics of conntrack${of}${on}: ${found === '' ? 'nothing counted' : found}`,
    facts: Object.entries(total).map(([name, count]) => counterFact(name, count, rows)),
    advice: [
      ...moved.flatMap(([name]) => adviceOn(name)),
      'these count since the namespace was made: conntrail table stats --interval 5s shows which still grow',
    ],
  };
}

function adviceOn(name: string): string[] {
  const toDo = counterWords(name)?.toDo;
  return toDo === undefined || toDo === null ? [] : [`${name}: ${toDo}`];
}

function counterFact(name: string, count: number, rows: StatsRecord['rows']): Fact {
  const known = counterWords(name);
  const age = known === undefined ? '' : ageText(known);
  const meaning = known?.meaning ?? 'a counter that is not known here';
  const on = rows.filter(({ counters }) => (counters[name] ?? 0) > 0).map(({ cpu }) => cpu);
  const isOnOne = rows.length > 1 && on.length === 1 && on[0] !== null && name !== 'entries';
  const where = isOnOne ? `all on CPU ${on[0]}` : '';
  return {
    name,
    value: String(count),
    meaning: [meaning, age, where].filter((part) => part !== '').join('; '),
  };
}
