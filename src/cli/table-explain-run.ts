/** What `conntrail table explain` does; table-explain.ts says how it is called. */
import { once } from 'node:events';
import { TraceError } from '../model/error.ts';
import { explainPasted } from '../table/explain-record.ts';
import { EXPLAINED_VERSION, explainedJson, explainedText } from '../table/explain-show.ts';
import { Exit, endWith } from './exit.ts';
import type { TableExplainOptions } from './table-explain.ts';

const MOST_BYTES = 1 << 28;

export async function explainLines(
  lines: readonly string[],
  { json = false }: TableExplainOptions,
): Promise<void> {
  const isPiped = lines.length === 0 || (lines.length === 1 && lines[0] === '-');
  const text = isPiped ? await readInput() : pasted(lines);
  let count = 0;
  if (json) await print(`{"schemaVersion":"${EXPLAINED_VERSION}","explained":[`);
  for (const explained of explainPasted(text)) {
    if (explained.record.kind === 'unknown') endWith(Exit.failed);
    const comma = count++ === 0 ? '' : ',\n';
    await print(json ? `${comma}${explainedJson(explained)}` : explainedText(explained));
  }
  if (json) await print(']}\n');
  else if (count === 0) throw nothing('an empty text');
}

/** Arguments with blanks are lines; others are the words of one. */
function pasted(lines: readonly string[]): string {
  return lines.some((line) => /\s/.test(line)) ? lines.join('\n') : lines.join(' ');
}

async function readInput(): Promise<string> {
  if (process.stdin.isTTY) throw nothing('no line and no input');
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) {
      throw new TraceError('usage', `found more than ${MOST_BYTES} bytes of input, needed less`, {
        hint: 'head -n 100000',
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function nothing(found: string): TraceError {
  return new TraceError('usage', `found ${found}, needed lines to explain`, {
    hint: 'conntrack -L | conntrail table explain',
  });
}

/** A reader that is slower than we are makes us wait. */
async function print(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
}
