import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { stdoutError } from '../model/error.ts';
import { doctorCommand } from './doctor.ts';
import { Exit, endWith } from './exit.ts';
import { explainCommand } from './explain.ts';
import { exportCommand } from './export.ts';
import { describeError, exitOf } from './failure.ts';
import { labCommand } from './lab.ts';
import { asOurError, nameInErrors } from './option-errors.ts';
import { recordCommand } from './record.ts';
import { tableCommand } from './table.ts';
import { watchCommand } from './watch.ts';

const PACKAGE = new URL('../../package.json', import.meta.url);

/** Runs one command line to its end. Resolves to the exit status; never rejects. */
export async function run(argv: readonly string[]): Promise<number> {
  process.exitCode = Exit.done;
  process.stderr.on('error', () => undefined); // nobody listens: no reason to stop
  if (WRITES_DATA.has(argv[0] ?? '')) process.stdout.on('error', () => undefined);
  else endOnClosedPipe();
  try {
    const program = buildProgram();
    await program.parseAsync(withKnownHelp(argv, program), { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) process.stderr.write(describeError(error));
    endWith(exitOf(error));
  }
  return Number(process.exitCode);
}

/** `help WORD` of no command is an error as the bare word is, with its near spelling. */
function withKnownHelp(argv: readonly string[], program: Command): string[] {
  const [first, word = 'help'] = argv;
  if (first !== 'help') return [...argv];
  if (word === 'help') return ['--help'];
  return program.commands.some((one) => one.name() === word) ? [...argv] : [word];
}

export function buildProgram(): Command {
  const { version, description } = JSON.parse(readFileSync(PACKAGE, 'utf8')) as {
    version: string;
    description: string;
  };
  const program = new Command('conntrail')
    .description(`${description}.`)
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .showSuggestionAfterError(true)
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(asOurError(text, 'conntrail --help')) })
    .addHelpText('after', HELP);
  for (const command of commands()) program.addCommand(inherit(command, program));
  return program;
}

function commands(): Command[] {
  return [
    recordCommand(),
    watchCommand(),
    explainCommand(),
    tableCommand(),
    exportCommand(),
    doctorCommand(),
    labCommand(),
  ];
}

/** addCommand() leaves a command to its own settings: errors would exit from inside. */
function inherit(command: Command, parent: Command, path = 'conntrail'): Command {
  const own = `${path} ${command.name()}`;
  const help = `${own} --help`;
  command.copyInheritedSettings(parent);
  command.configureOutput({
    outputError: (text, write) => write(asOurError(text, help, command.options)),
  });
  command.options.forEach(nameInErrors);
  for (const child of command.commands) inherit(child, command, own);
  return command;
}

/** Their output is watched where it is written: a reader that goes is a failure there. */
const WRITES_DATA: ReadonlySet<string> = new Set(['record', 'export']);

/** `conntrail ... | head`: the reader has had enough, that is no failure. */
function endOnClosedPipe(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(Number(process.exitCode ?? Exit.done));
    process.stderr.write(describeError(stdoutError(error)));
    process.exit(Exit.failed);
  });
}

const HELP = `
Exit status: 0 done, 1 failed, 2 wrong usage, 3 finished with losses

Examples:
  $ conntrail doctor
  $ conntrail lab --scenario tour
  $ conntrail record --out trace --duration 10s
  $ conntrail help record`;
