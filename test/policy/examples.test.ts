import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { buildProgram } from '../../src/cli/program.ts';
import { conntrail, examplesIn } from './conntrail.ts';
import { splitWords } from './split-words.ts';

const { commands } = buildProgram();

function withSubcommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)];
}

/** `record`, `table list`. */
function nameOf(command: Command): string {
  const above = command.parent?.parent ? `${nameOf(command.parent)} ` : '';
  return above + command.name();
}

/** The words after `conntrail` up to a pipe or a redirection. */
function argumentsOf(example: string): string[] {
  const words = splitWords(example).slice(1);
  const end = words.findIndex((word) => ['|', '>', '&&', ';'].includes(word));
  return end < 0 ? words : words.slice(0, end);
}

/** The same command line, read in full, with nothing done about it. */
async function readOnly(args: readonly string[]): Promise<string | undefined> {
  const program = buildProgram();
  let ran: string | undefined;
  for (const command of program.commands.flatMap(withSubcommands)) {
    command.action(() => {
      ran = nameOf(command);
    });
  }
  await program.parseAsync([...args], { from: 'user' });
  return ran;
}

describe.each(commands.flatMap(withSubcommands).map(nameOf))('%s', (name) => {
  const help = conntrail([...name.split(' '), '--help']);
  const examples = examplesIn(help.stdout);

  it('has examples in its help, which ends with 0', () => {
    expect(examples.length).toBeGreaterThan(0);
    expect(help.status).toBe(0);
  });

  it.each(examples)('reads its example "%s"', async (example) => {
    const ran = await readOnly(argumentsOf(example));
    // the examples of a command with subcommands are of those
    expect(`${ran} `.startsWith(`${name} `)).toBe(true);
  });
});

describe('examples that need neither root nor a guest', () => {
  it('run', () => {
    expect(conntrail(['doctor']).stdout).toMatch(/^(a|no) trace is possible here/m);
    expect(JSON.parse(conntrail(['doctor', '--json']).stdout)).toHaveProperty('canTrace');
    expect(conntrail(['lab', '--list']).stdout).toContain('tour');
  });

  it('are all commands of the program in its own help', async () => {
    const examples = examplesIn(conntrail(['--help']).stdout);
    expect(examples.length).toBeGreaterThan(0);
    const names = commands.map((command) => command.name());
    for (const example of examples) {
      const args = argumentsOf(example);
      if (args[0] === 'help') expect(names).toContain(args[1]);
      else expect(names).toContain((await readOnly(args))?.split(' ')[0]);
    }
  });
});
