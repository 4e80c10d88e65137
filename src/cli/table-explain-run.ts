/** What `conntrail table explain` does; table-explain.ts says how it is called. */
import { TraceError } from '../model/error.ts';
import { explainParsed } from '../table/explain-record.ts';
import { EXPLAINED_VERSION, explainedJson, explainedText } from '../table/explain-show.ts';
import { type Parsed, TextReader } from '../table/parse-text.ts';
import { Exit, endWith } from './exit.ts';
import type { TableExplainOptions } from './table-explain.ts';
import { writeOut } from './write-out.ts';

export async function explainLines(
  lines: readonly string[],
  { json = false }: TableExplainOptions,
): Promise<void> {
  const isPiped = lines.length === 0 || (lines.length === 1 && lines[0] === '-');
  if (isPiped && process.stdin.isTTY) throw nothing('no line and no input');
  const printer = new Printer(json, isPiped);
  await printer.begin();
  const reader = new TextReader();
  for await (const text of isPiped ? input() : [pasted(lines)]) {
    await printer.print(reader.add(text));
  }
  await printer.print(reader.end());
  await printer.end();
}

/** Arguments with blanks are lines; others are the words of one. */
function pasted(lines: readonly string[]): string {
  return lines.some((line) => /\s/.test(line)) ? lines.join('\n') : lines.join(' ');
}

/** Explained as it comes: `conntrack -E` has no end. */
function input(): AsyncIterable<string> {
  return process.stdin.setEncoding('utf8') as AsyncIterable<string>;
}

class Printer {
  private count = 0;
  private isKnown = true;
  private readonly json: boolean;
  private readonly isPiped: boolean;

  constructor(json: boolean, isPiped: boolean) {
    this.json = json;
    this.isPiped = isPiped;
  }

  async begin(): Promise<void> {
    if (this.json) await writeOut(`{"schemaVersion":"${EXPLAINED_VERSION}","explained":[`);
  }

  async print(found: readonly Parsed[]): Promise<void> {
    for (const parsed of found) {
      if (parsed.record.kind === 'unknown') this.isKnown = false;
      const explained = explainParsed(parsed);
      const comma = this.count++ === 0 ? '' : ',\n';
      await writeOut(this.json ? `${comma}${explainedJson(explained)}` : explainedText(explained));
    }
  }

  /** An empty table has no lines, and that is no failure; an empty argument is. */
  async end(): Promise<void> {
    if (this.json) await writeOut(']}\n');
    else if (this.count === 0 && !this.isPiped) throw nothing('an empty text');
    else if (this.count === 0) process.stderr.write('found no lines to explain\n');
    if (this.isKnown) return;
    endWith(Exit.failed);
    if (!this.isPiped && !this.json) process.stderr.write(`  try: ${EXAMPLE}\n`);
  }
}

const EXAMPLE = 'conntrack -L | conntrail table explain';

function nothing(found: string): TraceError {
  return new TraceError('usage', `found ${found}, needed lines to explain`, {
    hint: EXAMPLE,
  });
}
