import { CommanderError } from 'commander';
import { errnoOf, fileError, messageOf, TraceError } from '../model/error.ts';
import { Exit } from './exit.ts';

/** One line and what to try; a stack only for whoever asks for it. */
export function describeError(thrown: unknown): string {
  const error = asRefusal(thrown);
  const lines = [`conntrail: ${lineOf(error)}`];
  const hint = hintOf(error);
  if (hint !== undefined) lines.push(`  try: ${hint}`);
  if (process.env.CONNTRAIL_DEBUG === '1' && error instanceof Error) lines.push(stackOf(error));
  return `${lines.join('\n')}\n`;
}

/** Help and version end as a CommanderError too, with status 0. */
export function exitOf(error: unknown): Exit {
  if (error instanceof CommanderError) return error.exitCode === 0 ? Exit.done : Exit.usage;
  return error instanceof TraceError && error.code === 'usage' ? Exit.usage : Exit.failed;
}

/** What the system refused where nobody looked for it: an operation, an errno, perhaps a path. */
function asRefusal(error: unknown): unknown {
  if (!(error instanceof Error) || errnoOf(error) === undefined) return error;
  const { syscall, path } = error as NodeJS.ErrnoException;
  return syscall === undefined ? error : fileError(syscall, path ?? 'a file', error);
}

function lineOf(error: unknown): string {
  const line = messageOf(error).split('\n', 1)[0] ?? '';
  return error instanceof TraceError ? line : `unexpected error: ${line}`;
}

function hintOf(error: unknown): string | undefined {
  return error instanceof TraceError
    ? error.hint
    : 'CONNTRAIL_DEBUG=1 to see where, and report it with the command line';
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${stackOf(error.cause)}` : '';
  return `${error.stack ?? error.message}${cause}`;
}
