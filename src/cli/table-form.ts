/** What `--output` and `--out` ask for. */

import { LineForm } from '../model/entry-row.ts';
import { TraceError } from '../model/error.ts';

export interface OutputWords {
  readonly output?: string;
  readonly out?: string;
  /** Lines of entries that were asked for by their labels have these in them. */
  readonly label?: string;
}

export type Shape = 'lines' | 'xml' | 'save' | 'columns' | 'json' | 'arrow';

export interface OutputForm {
  readonly shape: Shape;
  /** Bits of LineForm. */
  readonly form: number;
  /** `timestamp`: when news came, in front of each line. */
  readonly isTimed: boolean;
}

const BITS: Readonly<Record<string, number>> = {
  extended: LineForm.extended,
  id: LineForm.id,
  ktimestamp: LineForm.times,
  labels: LineForm.labels,
};
/** Forms that have no more or fewer fields. */
const ALONE: ReadonlySet<string> = new Set(['save', 'columns', 'json']);
const SHAPES: readonly string[] = ['xml', 'save', 'columns', 'json', 'lines'];

/** `isTerminal`: people see columns, unless they ask for lines. */
export function outputForm({ output, out, label }: OutputWords, isTerminal: boolean): OutputForm {
  const words = output === undefined ? [] : output.toLowerCase().split(',');
  const known = [...Object.keys(BITS), 'timestamp', ...SHAPES];
  const unknown = words.find((word) => !known.includes(word));
  if (unknown !== undefined) {
    const needed = `some of ${known.join(', ')}, joined by commas`;
    throw new TraceError('usage', `--output: found "${unknown}", needed ${needed}`, {
      hint: 'for example -o extended,id',
    });
  }
  const shapes = words.filter((word) => SHAPES.includes(word));
  if (shapes.length > 1 || (words.length > 0 && out !== undefined)) {
    const found = [
      ...(shapes.length > 0 ? shapes : words),
      ...(out === undefined ? [] : [`--out ${out}`]),
    ].join(' and ');
    throw new TraceError('usage', `--output: found ${found}, needed one of them`);
  }
  const [only = ''] = shapes;
  if (ALONE.has(only) && words.length > 1) {
    throw new TraceError('usage', `--output: found ${words.join(',')}, needed ${only} alone`, {
      hint: `-o ${only}, or the lines of conntrack: -o extended,id`,
    });
  }
  const always = label === undefined ? 0 : LineForm.labels;
  const form = words.reduce((bits, word) => bits | (BITS[word] ?? 0), always);
  const plain = words.length === 0 && isTerminal ? 'columns' : 'lines';
  const shape = out === undefined ? ((shapes[0] ?? plain) as Shape) : 'arrow';
  const isXml = shape === 'xml';
  return {
    shape,
    form: isXml ? form | LineForm.xml : form,
    isTimed: words.includes('timestamp'),
  };
}
