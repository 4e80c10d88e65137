/**
 * Random and hostile text. A longer run: CONNTRAIL_FUZZ=1000000 npx vitest run test/table/hostile.test.ts
 */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { explainPasted } from '../../src/table/explain-record.ts';
import { explainedJson, explainedText } from '../../src/table/explain-show.ts';
import { seeded } from '../wire/random.ts';

const CORPUS = new URL('corpus/', import.meta.url);
/** What grows with the square of these would take much longer, on a busy machine too. */
const LONG_MS = 20_000;
const TURNS = Number(process.env.CONNTRAIL_FUZZ ?? 10_000);

const texts = readdirSync(CORPUS).map((name) => readFileSync(new URL(name, CORPUS), 'utf8'));
const lines = texts.flatMap((text) => text.split('\n').filter((line) => line !== ''));
const WORDS = [
  ...[
    'src=',
    'dst=',
    'src=::',
    'dst=1.2.3.4',
    'sport=65536',
    'dport=-1',
    'id=',
    'mark=0x',
    '[',
    ']',
  ],
  ...[
    '[NEW]',
    '[UNREPLIED',
    '=',
    '-s',
    '-p',
    '--state',
    '<',
    '>',
    '</flow>',
    '<flow>',
    '&amp;',
    '"',
  ],
  ...[
    '\u0000',
    '\u001b[31m',
    '\t',
    '\r\n',
    '\ud800',
    '\u202e',
    '99999999999999999999999',
    'e',
    '%s',
  ],
  ...[
    '{"src":',
    '"dst":null',
    '"protocol":1e99',
    '"zone_direction":"constructor"',
    '"status":-1',
    '}',
  ],
  ...['proto=6', 'cpu=0', 'cpu=x', 'nf_ct_proto_999: ', 'IN=', '__proto__=1', 'constructor=2'],
];

/** One to eight changes: characters and words put in, taken out, doubled, the text cut. */
function changed(text: string, random: (below: number) => number): string {
  let out = text;
  for (let turn = random(8); turn >= 0; turn--) {
    const at = random(out.length + 1);
    const to = Math.min(out.length, at + random(12));
    const word = WORDS[random(WORDS.length)]!;
    const change = random(6);
    if (change === 0) out = out.slice(0, at) + word + out.slice(at);
    else if (change === 1) out = out.slice(0, at) + out.slice(to);
    else if (change === 2) out = out.slice(0, at) + out.slice(at, to).repeat(3) + out.slice(to);
    else if (change === 3)
      out = out.slice(0, at) + String.fromCharCode(random(0x250)) + out.slice(to);
    else if (change === 4) out = out.slice(0, at);
    else out = out.replace(/\d+/, word);
  }
  return out;
}

/** What holds of every explanation, whatever was pasted. */
function expectPlain(text: string): void {
  for (const explained of explainPasted(text)) {
    const shown = explainedText(explained);
    const [first = '', ...rest] = shown.trimEnd().split('\n');
    const isPlain = [...shown].every((one) => one === '\n' || one.charCodeAt(0) >= 32);
    if (!isPlain || explained.line < 1 || !/^line \d+: \S/.test(first)) {
      expect.fail(`${JSON.stringify(text)}: ${JSON.stringify(shown)}`);
    }
    if (explained.record.kind === 'unknown' && rest.length > 0) {
      expect.fail(`${JSON.stringify(text)}: more than one line`);
    }
    JSON.parse(explainedJson(explained));
  }
}

describe('text that nobody would paste', () => {
  it('is explained or named, line by line, and moves no cursor', () => {
    expect(lines.length).toBeGreaterThan(20);
    const random = seeded(20).below;
    for (let turn = 0; turn < TURNS; turn++) {
      const line = lines[random(lines.length)]!;
      expectPlain(changed(line, random));
    }
  }, 600_000);

  it('may be whole files, changed anywhere', () => {
    const random = seeded(21).below;
    for (let turn = 0; turn < TURNS / 40; turn++) {
      expectPlain(changed(texts[random(texts.length)]!, random));
    }
  }, 600_000);

  it('may be bytes without any sense', () => {
    const random = seeded(22).below;
    for (let turn = 0; turn < 500; turn++) {
      const bytes = Uint8Array.from({ length: random(400) }, () => random(256));
      expectPlain(Buffer.from(bytes).toString('utf8'));
    }
  }, 60_000);

  it('may be cut off anywhere', () => {
    for (const text of texts) {
      for (let end = 0; end < text.length; end += 17) expectPlain(text.slice(0, end));
    }
  }, 60_000);

  it.each([
    ['one word', 'x'.repeat(10_000_000)],
    ['brackets', '['.repeat(1_000_000)],
    ['blanks', `tcp 6 ${' '.repeat(60_000)}src=`],
    ['brackets in a line that is read', `tcp 6 1 ${'['.repeat(60_000)}`],
    ['fields', `tcp 6 1 ${'src=1.2.3.4 '.repeat(5000)}`],
    ['tags', '<flow>'.repeat(10_000)],
    ['tags without an end', `<flow ${'a="b" '.repeat(10_000)}`],
    ['open flows', '<flow>\n'.repeat(100_000)],
    ['CPUs', 'cpu=0 found=0\n'.repeat(100_000)],
    [
      'rows of /proc',
      `entries found insert_failed\n${`${'00000001 '.repeat(17)}\n`.repeat(50_000)}`,
    ],
    ['equal signs', '='.repeat(60_000)],
    ['interfaces', `nf_ct_proto_6: ${'IN= '.repeat(15_000)}`],
    ['log words', 'nf_conntrack: '.repeat(4_000)],
    ['outer', `nf_ct_proto_1: outer daddr ${'outer daddr '.repeat(5_000)}`],
    ['zeros', `tcp 6 ${'0'.repeat(60_000)} src=1.2.3.4`],
    ['colons', `tcp 6 1 src=${':'.repeat(60_000)}`],
    ['objects in each other', '{"src":'.repeat(9000)],
    ['rows of JSON', '{"src":"1.2.3.4","protocol":6}\n'.repeat(20_000)],
  ])(
    'may be a great many %s',
    (_, text) => {
      const before = performance.now();
      let count = 0;
      for (const explained of explainPasted(text)) count += explainedText(explained) === '' ? 0 : 1;
      expect(count).toBeGreaterThan(0);
      expect(performance.now() - before).toBeLessThan(LONG_MS);
    },
    LONG_MS,
  );
});
