/**
 * Every parser of lines, on lines that nobody has seen before. Longer, or others:
 * CONNTRAIL_FUZZ_S=300 CONNTRAIL_FUZZ_SEED=7 npx vitest run --project unit test/table/fuzz.test.ts
 */
import { expect, it } from 'vitest';
import { seeded } from '../wire/random.ts';
import { faultOf, isClear, textOf } from './fuzz.ts';

const SEED = Number(process.env.CONNTRAIL_FUZZ_SEED ?? 1);
const SECONDS = Number(process.env.CONNTRAIL_FUZZ_S ?? 0);
/** Without a time. */
const TURNS = 5000;
/** Where a longer run says how far it is: what hangs is behind the last one said. */
const TOLD = 20_000;
/** What takes longer than this for its length is no longer in proportion to it. */
const HANGS_MS = 2000;
const HANGS_MS_PER_CHARACTER = 1;

/** What is wrong with one text; undefined: nothing. */
function faultAt(number: number): string | undefined {
  const text = textOf(number);
  const beganMs = performance.now();
  try {
    const fault = faultOf(text, seeded(number));
    const tookMs = performance.now() - beganMs;
    if (fault !== undefined || tookMs < HANGS_MS + text.length * HANGS_MS_PER_CHARACTER)
      return fault;
    return `took ${Math.round(tookMs)} ms for ${text.length} characters`;
  } catch (error) {
    return error instanceof Error ? `threw ${error.stack}` : String(error);
  }
}

it(
  'takes any text: what it cannot read it names in one clear line',
  () => {
    const endMs = performance.now() + SECONDS * 1000;
    const isGoingOn = (turn: number) => (SECONDS > 0 ? performance.now() < endMs : turn < TURNS);
    let number = SEED * 1_000_000;
    for (; isGoingOn(number - SEED * 1_000_000); number++) {
      const fault = faultAt(number);
      if (fault !== undefined)
        expect.fail(`text ${number}: ${JSON.stringify(textOf(number))}: ${fault}`);
      if (SECONDS > 0 && number % TOLD === 0)
        process.stderr.write(`seed ${SEED}: text ${number}\n`);
    }
    expect(number).toBeGreaterThan(SEED * 1_000_000 + 1000);
  },
  (SECONDS + 600) * 1000,
);

it('knows what is no clear line', () => {
  expect(isClear('found "é", needed 日本')).toBe(true);
  for (const text of [
    '',
    'a\nb',
    'a\u001b[2J',
    '\u009b',
    '\u202ea',
    'a\u2028b',
    '\ud800',
    '\u00ad',
  ]) {
    expect(isClear(text), JSON.stringify(text)).toBe(false);
  }
});
