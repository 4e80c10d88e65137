/** Errors about options, in the form of all others and by the names that were typed. */
import type { Option } from 'commander';
import { TraceError } from '../model/error.ts';

/** "error: unknown option '--fo'\n(Did you mean --for?)" in the form of all other errors. */
export function asOurError(text: string, help: string, options: readonly Option[] = []): string {
  const [first = '', ...rest] = text.trim().split('\n');
  const near = rest.join(' ').replace(/^\(Did you mean (.*?)\??\)$/, '$1');
  const begun = /^error: unknown option '(--[^'=]+)/.exec(first)?.[1];
  const hint = (begun === undefined ? undefined : beginningWith(begun, options)) ?? near;
  const lines = [`conntrail: ${first.replace(/^error: /, '').replace(/\.$/, '')}`];
  return `${[...lines, `  try: ${hint === '' ? help : hint}`].join('\n')}\n`;
}

/** Who leaves off the end of a name means that name, whatever else is spelt alike. */
function beginningWith(begun: string, options: readonly Option[]): string | undefined {
  const found = options.flatMap(({ long }) => (long?.startsWith(begun) ? [long] : []));
  return found.sort((a, b) => a.length - b.length)[0];
}

/** Parsers of values do not know which option they are for: `duration: found ...`. */
export function nameInErrors(option: Option): void {
  const { parseArg, long } = option;
  if (parseArg === undefined || long === undefined) return;
  option.argParser((value, previous) => {
    try {
      return parseArg(value, previous);
    } catch (error) {
      throw error instanceof TraceError ? named(error, long) : error;
    }
  });
}

function named(error: TraceError, long: string): TraceError {
  const { code, message, hint } = error;
  return new TraceError(code, message.replace(/^[a-z -]+: (?=found )/, `${long}: `), {
    ...(hint === undefined ? {} : { hint }),
    cause: error,
  });
}
