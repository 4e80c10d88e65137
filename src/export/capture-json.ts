/** TraceFacts and TraceEnd out of a capture: JSON of unknown origin, checked member by member. */
import { RULE_BACKENDS } from '../model/codes.ts';
import { BACKENDS, DETAILS, type TraceEnd, type TraceFacts } from '../model/facts.ts';
import { broken } from './capture-format.ts';

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === 'string';
const isCount: Check = (value) => typeof value === 'number' && Number.isFinite(value);
/** A 64-bit number as text; the clock offset may be negative. */
const isDecimal: Check = (value) => typeof value === 'string' && /^-?\d{1,20}$/.test(value);
const isTextList: Check = (value) => Array.isArray(value) && value.every(isText);
const isMapOf =
  (check: Check): Check =>
  (value) =>
    isObject(value) && Object.values(value).every(check);
const isTextMap = isMapOf(isText);
const isCountMap: Check = (value) => isObject(value) && Object.values(value).every(isCount);
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);

const orAbsent =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function hasAll(checks: Readonly<Record<string, Check>>): Check {
  return (value) =>
    isObject(value) && Object.entries(checks).every(([name, check]) => check(value[name]));
}

function isOneOf(words: readonly string[]): Check {
  return (value) => typeof value === 'string' && words.includes(value);
}

const FACTS: Readonly<Record<keyof TraceFacts, Check>> = {
  recordVersion: isCount,
  recordBytes: isCount,
  node: isText,
  bootId: orAbsent(isText),
  kernel: isText,
  arch: isText,
  cpus: isCount,
  clockOffsetNs: isDecimal,
  dropReasons: isTextMap,
  attached: isTextList,
  notAvailable: isTextList,
  sources: orAbsent(isTextMap),
  extras: orAbsent(isTextList),
  detail: isOneOf(DETAILS),
  backend: isOneOf(BACKENDS),
  sample: isCount,
  filter: isText,
  netnsNames: isTextMap,
  places: orAbsent(isMapOf(hasAll({ interfaces: isTextMap, addresses: isTextList }))),
};

const isLedgerRow = hasAll({
  cpu: isCount,
  probe: isCount,
  sent: isCount,
  delivered: isCount,
  ringFull: isCount,
  callsFull: isCount,
  missedReturn: isCount,
  missedEntry: isCount,
  flowsFull: isCount,
  recursion: orNull(isCount),
  evicted: isCount,
});

const isList =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);

const isRuleset = hasAll({
  netns: isCount,
  readAtNs: isDecimal,
  notes: isTextList,
  chains: isList(
    hasAll({
      backend: isOneOf(RULE_BACKENDS),
      family: isText,
      table: isText,
      tableHandle: isCount,
      name: isText,
      rules: isList(
        hasAll({
          handle: isCount,
          number: isCount,
          text: isText,
          terms: isList(isObject),
          actions: isList(isObject),
        }),
      ),
    }),
  ),
});

const isProbeChange = hasAll({
  ktimeNs: isDecimal,
  attached: isTextList,
  lost: isTextList,
  refused: isTextList,
});
const isCounter = hasAll({ netns: isCount, cpu: isCount, counter: isText, count: isCount });

const END: Readonly<Record<keyof TraceEnd, Check>> = {
  ledger: hasAll({
    rows: (value) => Array.isArray(value) && value.every(isLedgerRow),
    lossWindow: orNull(hasAll({ fromNs: isDecimal, toNs: isDecimal })),
    conntrackStats: orNull(hasAll({ before: isCountMap, after: isCountMap })),
    conntrackMoved: orAbsent(hasAll({ netns: isList(isCount), counters: isList(isCounter) })),
  }),
  symbols: isTextMap,
  rulesets: orAbsent(isList(isRuleset)),
  startedKtimeNs: orAbsent(orNull(isDecimal)),
  endedKtimeNs: isDecimal,
  probeChanges: orAbsent(isList(isProbeChange)),
};

function parse(bytes: Buffer, at: number, what: string, checks: Readonly<Record<string, Check>>) {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString());
  } catch {
    throw broken(at, `${bytes.length} bytes that are not JSON`, what);
  }
  if (!isObject(value)) throw broken(at, 'JSON that is no object', what);
  for (const [name, check] of Object.entries(checks)) {
    if (!check(value[name])) {
      const found = JSON.stringify(value[name])?.slice(0, 60) ?? 'nothing';
      throw broken(at, `${name} ${found}`, `the ${name} of ${what}`);
    }
  }
  return value;
}

/** `at` is the place in the file, for what an error says. */
export function parseFacts(bytes: Buffer, at: number): TraceFacts {
  const facts = parse(bytes, at, 'the facts of a trace', FACTS) as unknown as TraceFacts;
  const { places = {}, sources = {}, extras = [] } = facts; // older ones came without
  return { ...facts, places, sources, extras };
}

export function parseEnd(bytes: Buffer, at: number): TraceEnd {
  const end = parse(bytes, at, 'the end of a trace', END) as unknown as TraceEnd;
  // captures of older versions came without
  const { rulesets = [], startedKtimeNs = null, probeChanges = [] } = end;
  return { ...end, rulesets, startedKtimeNs, probeChanges };
}
