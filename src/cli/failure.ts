import { CommanderError } from 'commander';
import { messageOf, TraceError } from '../model/error.ts';
import { Exit } from './exit.ts';

/** One line and what to try; a stack only for whoever asks for it. */
export function describeError(error: unknown): string {
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
