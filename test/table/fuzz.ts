/**
 * Lines that nobody has seen before: those of the corpus changed at random. One
 * number makes one text, whatever was made before it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { TraceError } from '../../src/model/error.ts';
import { newRow } from '../../src/table/entry-build.ts';
import { wordsOfLine } from '../../src/table/entry-line.ts';
import { ENTRY_OPTIONS } from '../../src/table/entry-options.ts';
import { newExpectation } from '../../src/table/expect-build.ts';
import { EXPECT_OPTIONS } from '../../src/table/expect-options.ts';
import { explainParsed } from '../../src/table/explain-record.ts';
import { explainedJson, explainedText } from '../../src/table/explain-show.ts';
import { entryFilter } from '../../src/table/filter-words.ts';
import { parseEntries } from '../../src/table/parse-listing.ts';
import { parseText, TextReader } from '../../src/table/parse-text.ts';
import { type Random, seeded } from '../wire/random.ts';

const CORPUS = new URL('corpus/', import.meta.url);
const FILES = readdirSync(CORPUS).map((name) => readFileSync(new URL(name, CORPUS), 'utf8'));
const LINES = FILES.flatMap((text) => text.split('\n').filter((line) => line !== ''));
const TOKENS = [...new Set(LINES.flatMap((line) => line.split(/[\s=<>]+/)))];

/** What numbers, addresses and words are wrong by. */
const EDGES = [
  ...['', '0', '-1', '1e9', '0x', '0xffffffff', '65535', '65536', '4294967296', '1.5', 'NaN'],
  ...['9'.repeat(400), '00000000000000000001', '٣', '１２', '::', ':::', '::ffff:1.2.3.4', '1.2.3'],
  ...['fe80::1%eth0', '[', ']', '[]', '[[NEW]]', '[NEW', '=', '==', 'src=', '=src', 'a=b=c', "'"],
  ...['"', '\\', '\u0000', '\u001b[2J', '\u009b2J', '\u202e', '\u2028', '\ud800', '\u00ad', '%s'],
  ...[
    '__proto__',
    'constructor',
    'toString',
    '</flow>',
    '<flow>',
    '<flow/>',
    '<!--',
    ']]>',
    '&lt;',
  ],
  ...['&#10;', 'cpu=0', 'proto=', 'nf_ct_proto_6: ', 'IN=', '\t', '\r', '\v', '\u00a0', '\ufeff'],
];

type Change = (text: string, random: Random) => string;

function cut(text: string, random: Random): [string, string, string] {
  const at = random.below(text.length + 1);
  const end = Math.min(text.length, at + random.below(16));
  return [text.slice(0, at), text.slice(at, end), text.slice(end)];
}

/** Of the words of a text one, and what stands before and behind it. */
function word(text: string, random: Random): [string, string, string] {
  const words = [...text.matchAll(/[^\s=<>]+/g)];
  if (words.length === 0) return [text, '', ''];
  const { 0: found, index } = random.pick(words);
  return [text.slice(0, index), found, text.slice(index + found.length)];
}

function around([before, , behind]: [string, string, string], middle: string): string {
  return before + middle + behind;
}

const CHANGES: readonly Change[] = [
  (text, random) => around(cut(text, random), ''),
  (text, random) => around(word(text, random), ''),
  (text, random) => around(word(text, random), random.pick(EDGES)),
  (text, random) => around(word(text, random), random.pick(TOKENS)),
  (text, random) => {
    const parts = cut(text, random);
    return around(parts, parts[1].repeat(1 + random.below(4)));
  },
  (text, random) => {
    const [before, middle, behind] = cut(text, random);
    return before + middle + random.pick(EDGES) + behind;
  },
  (text, random) => around(cut(text, random), String.fromCodePoint(random.below(0x3000))),
  (text, random) =>
    text.slice(0, random.below(text.length + 1)) + random.pick(LINES).slice(random.below(80)),
  (text, random) => `${text}\n${random.pick(LINES)}`,
  (text, random) => {
    const words = text.split(' ');
    words.splice(random.below(words.length), 0, ...words.splice(random.below(words.length), 2));
    return words.join(' ');
  },
  (text, random) => `${text} ${random.pick(EDGES).repeat(1 + random.below(300))}`,
];

export function textOf(number: number): string {
  const random = seeded(number);
  let text = random.pick(random.below(20) === 0 ? FILES : LINES);
  for (let turn = random.below(6); turn >= 0; turn--) text = random.pick(CHANGES)(text, random);
  return text;
}

/** One line, with nothing in it that a terminal would obey. */
export function isClear(text: string): boolean {
  return text !== '' && !/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(text);
}

/** What is wrong with how a text is taken; undefined: nothing. */
export function faultOf(text: string, random: Random): string | undefined {
  return (
    explanationFault(text) ??
    piecesFault(text, random) ??
    lineFault(text) ??
    valueFault(text, random)
  );
}

function explanationFault(text: string): string | undefined {
  for (const parsed of parseText(text)) {
    const explained = explainParsed(parsed);
    const shown = explainedText(explained).trimEnd().split('\n');
    const unclear = shown.find((line) => !isClear(line));
    if (unclear !== undefined) return `explained as ${JSON.stringify(unclear)}`;
    if (parsed.record.kind === 'unknown' && shown.length > 1) return 'more than one line';
    JSON.parse(explainedJson(explained));
  }
  parseEntries(text);
  return undefined;
}

/** However it comes in, it is the same. */
function piecesFault(text: string, random: Random): string | undefined {
  const reader = new TextReader();
  const parsed = [];
  for (let at = 0; at < text.length; ) {
    const end = at + 1 + random.below(64);
    parsed.push(...reader.add(text.slice(at, end)));
    at = end;
  }
  parsed.push(...reader.end());
  const [whole, parts] = [parseText(text), parsed].map((records) => JSON.stringify(records));
  return whole === parts ? undefined : `in pieces ${parts}, at once ${whole}`;
}

function lineFault(text: string): string | undefined {
  for (const line of text.split('\n')) {
    const fault = refusalFault(() => newRow(wordsOfLine(line)));
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** Words of it as values of options: of one alone, and of all that an entry or an expectation needs. */
function valueFault(text: string, random: Random): string | undefined {
  const value = random.pick(text.split(/[\s=]/));
  const { key } = random.pick(ENTRY_OPTIONS);
  const other = random.pick(EXPECT_OPTIONS).key;
  return (
    refusalFault(() => entryFilter({ [key]: value })) ??
    refusalFault(() => newRow({ ...WHOLE, [key]: value })) ??
    refusalFault(() => newExpectation({ ...WHOLE, ...TUPLE, [other]: value })) ??
    refusalFault(() => newExpectation({ ...WHOLE, ...TUPLE, [key]: value }))
  );
}

const WHOLE = {
  ...{ protonum: 'udp', origSrc: '10.0.0.1', origDst: '10.0.0.2', sport: '5', dport: '6' },
  timeout: '7',
};
const TUPLE = { tupleSrc: '10.0.0.3', tupleDst: '10.0.0.4', tuplePortDst: '8' };

/** Only the house's own error, in a clear line. */
function refusalFault(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (!(error instanceof TraceError)) throw error;
    const unclear = [error.message, error.hint ?? 'none'].find((line) => !isClear(line));
    return unclear === undefined ? undefined : `refused with ${JSON.stringify(unclear)}`;
  }
}
