import { Command, Option } from 'commander';
import { describe, expect, it } from 'vitest';
import { asOurError, nameInErrors } from '../../src/cli/option-errors.ts';
import { parseDurationMs, parseWhole } from '../../src/cli/options.ts';

const OPTIONS = [
  new Option('-p, --protonum <protocol>'),
  new Option('--proto <protocol>').hideHelp(),
  new Option('--sport <port>'),
  new Option('--reply-port <port>').hideHelp(),
];

describe('an unknown option', () => {
  const of = (flag: string, near: string): string =>
    asOurError(`error: unknown option '${flag}'\n${near}`, 'conntrail table --help', OPTIONS);

  it.each([
    ['--prot', '(Did you mean --sport?)', '--proto'],
    ['--prot=tcp', '(Did you mean --sport?)', '--proto'],
    ['--proton', '', '--protonum'],
    ['--reply', '', '--reply-port'],
    ['--sprt', '(Did you mean --sport?)', '--sport'],
    ['--xyz', '', 'conntrail table --help'],
    ['-x', '', 'conntrail table --help'],
  ])('%s is told with the one that was meant', (flag, near, hint) => {
    expect(of(flag, near)).toBe(`conntrail: unknown option '${flag}'\n  try: ${hint}\n`);
  });
});

describe('a value that is refused', () => {
  const refusalOf = (args: readonly string[]): unknown => {
    const command = new Command('x')
      .option('-i, --interval <time>', '', parseDurationMs)
      .option('--count <n>', '', parseWhole('number', 1));
    command.options.forEach(nameInErrors);
    try {
      command.parse([...args], { from: 'user' });
      return undefined;
    } catch (error) {
      return error;
    }
  };

  it('is told by the name of its option', () => {
    expect(refusalOf(['-i', '5'])).toMatchObject({
      ...{ code: 'usage', hint: 'for example 5s' },
      message: expect.stringMatching(/^--interval: found "5", needed a number above 0/),
    });
    expect(refusalOf(['--count', '0'])).toMatchObject({
      message: '--count: found "0", needed a whole number, 1 or more',
    });
    expect(refusalOf(['-i', '5s', '--count', '7'])).toBeUndefined();
  });
});
