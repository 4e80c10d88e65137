/** What a script of the kernel's own tests came to, to be compared with another run of it. */

export interface Outcome {
  readonly status: number;
  /** Lines in which it complains, without what differs from run to run. */
  readonly complaints: readonly string[];
}

const RESULTS: Readonly<Record<number, string>> = {
  0: 'pass',
  2: 'expected failure',
  4: 'skip',
  124: 'out of time',
};

export function outcomeOf(status: number, log: string): Outcome {
  const lines = log.split('\n').filter((line) => /\b(FAIL|ERROR|SKIP)\b/.test(line));
  return { status, complaints: [...new Set(lines.map(withoutNumbers))].sort() };
}

/** `FAIL: ns1-a8Zk2PqX got 3 packets` and the like: names of namespaces, counts, times, processes. */
function withoutNumbers(line: string): string {
  return line
    .replaceAll(/-\w{6,8}\b/g, '')
    .replaceAll(/\b\d+\b/g, 'N')
    .trim();
}

/** One word where it passed, else why not, as far as it says. */
export function outcomeText({ status, complaints }: Outcome): string {
  const result = RESULTS[status] ?? `fail ${status}`;
  return [result, ...complaints].join('; ');
}

export const UNTRACED = ['untraced', 'untraced-again'] as const;
export const TRACED = ['traced', 'traced-again'] as const;
export const PASSES = [...UNTRACED, ...TRACED] as const;
export type Pass = (typeof PASSES)[number];

/** What each script came to, as text, in the passes in which it ran. */
export type Outcomes = ReadonlyMap<string, Readonly<Partial<Record<Pass, string>>>>;

function textsOf(outcomes: Outcomes, script: string, passes: readonly Pass[]): string[] {
  return passes.flatMap((pass) => outcomes.get(script)?.[pass] ?? []);
}

/** Scripts that came to nothing under the tracer that they ever came to without. */
export function changedByTracing(outcomes: Outcomes): string[] {
  return [...outcomes.keys()].filter((script) => {
    const untraced = textsOf(outcomes, script, UNTRACED);
    return !textsOf(outcomes, script, TRACED).some((text) => untraced.includes(text));
  });
}

/** Scripts that never passed, though nothing was traced. */
export function failingUntraced(outcomes: Outcomes): string[] {
  return [...outcomes.keys()].filter(
    (script) => !textsOf(outcomes, script, UNTRACED).some((text) => text.startsWith('pass')),
  );
}
