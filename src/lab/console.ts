/** What the guest's console says about a run that went wrong, or nearly. */
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TraceError } from '../model/error.ts';
import { type MachineEnd, stopError } from './machine.ts';

const KEPT_LINES = 200;
const WARNING = /(WARNING: |BUG: |Oops|kernel BUG at |INFO: task .* blocked for more than)/;
const withoutTime = (line: string) => line.replace(/^\[[ \d.]+\] /, '').trim();

/** The lines in which the kernel complains about itself. */
export function kernelWarnings(text: string): string[] {
  const lines = text.split('\n').filter((line) => WARNING.test(line));
  return lines.map(withoutTime);
}

/** Why the guest ended without a status, as far as its console tells. */
export function describeEnd(text: string): string {
  const lines = text.split('\n').map(withoutTime);
  const panic = lines.find((line) => line.startsWith('Kernel panic'));
  if (panic) return `the guest's kernel panicked: ${panic.replace(/^Kernel panic - /, '')}`;
  const own = lines.find((line) => line.startsWith('lab: '));
  if (own) return `the guest did not start: ${own.slice('lab: '.length)}`;
  return 'the guest ended without a status';
}

/** Keeps the last lines of a console in a file that outlives the run; returns its path. */
export async function keepConsole(text: string, folder: string = tmpdir()): Promise<string> {
  const path = join(folder, `conntrail-lab-console-${process.pid}.log`);
  await mkdir(folder, { recursive: true });
  await writeFile(path, `${text.split('\n').slice(-KEPT_LINES).join('\n')}\n`);
  return path;
}

/** The error for a guest that gave no status. */
export async function guestError(
  end: MachineEnd,
  text: string,
  timeoutSec: number,
  folder?: string,
): Promise<TraceError> {
  if (end.stopped === 'signal') return stopError('signal', timeoutSec);
  if (!end.stopped && end.code !== 0 && end.complaint) {
    return new TraceError('failed', `qemu: ${end.complaint.split('\n').at(-1)}`);
  }
  const path = await keepConsole(text, folder);
  if (!end.stopped) {
    return new TraceError('failed', `${describeEnd(text)}; its console is in ${path}`);
  }
  const { message, hint = '' } = stopError(end.stopped, timeoutSec);
  return new TraceError('failed', `${message}; its console is in ${path}`, { hint });
}
