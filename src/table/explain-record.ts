/** All that was pasted, explained piece by piece. */
import { explainEntry } from './explain-entry.ts';
import { explainExpectation } from './explain-expectation.ts';
import { explainLog } from './explain-log.ts';
import { type Explained, type Explanation, type Fact, NOTHING } from './explain-shapes.ts';
import { explainStats } from './explain-stats.ts';
import { type Parsed, parseText, type TableRecord } from './parse-text.ts';
import { shown } from './parse-tokens.ts';

/** Characters of one text. */
const MOST = 300;

/** Never throws; what is not known is said in one line. */
export function explainParsed({ line, record }: Parsed): Explained {
  const explanation = explain(record);
  const { title, facts } = explanation;
  return { line, record, ...explanation, title: shown(title, MOST), facts: facts.map(plainFact) };
}

/** All of a text. */
export function explainPasted(text: string): Explained[] {
  return parseText(text).map(explainParsed);
}

/** What was pasted is shown again, and may be hostile to a terminal. */
function plainFact({ name, value, meaning }: Fact): Fact {
  return { name: shown(name, MOST), value: shown(value, MOST), meaning };
}

function explain(record: TableRecord): Explanation {
  switch (record.kind) {
    case 'entry':
      return explainEntry(record);
    case 'expectation':
      return explainExpectation(record);
    case 'statistics':
      return explainStats(record);
    case 'log':
      return explainLog(record);
    default:
      return { ...NOTHING, title: `not known: found ${record.found}, needed ${record.needed}` };
  }
}
