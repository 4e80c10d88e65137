/** The guest's first root for one run: the kernel's own part, then what this run adds. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeCpio, file, folder, program } from './cpio.ts';
import type { KernelFiles } from './fetch.ts';
import { GUEST_FOLDER, MAIN_SCRIPT } from './place.ts';
import { quoteCommand, quoteWord } from './quote.ts';

/** What the guest's scripts read as shell variables. */
export interface GuestSettings {
  readonly mode: 'command' | 'shell';
  readonly share: 'virtiofs' | '9p';
  readonly bring: 'yes' | 'no';
  readonly directory: string;
  readonly shell: string;
  readonly terminal: string;
  readonly rows: string;
  readonly columns: string;
}

/** Shell assignments that give exactly these values. */
export function settingsText(settings: GuestSettings): string {
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${quoteWord(value)}`);
  return `${lines.join('\n')}\n`;
}

/** Writes it to `target`. A NUL byte in the command is refused. */
export async function writeInitrd(
  target: string,
  kernel: KernelFiles,
  settings: GuestSettings,
  command: readonly string[],
): Promise<void> {
  const conntrail = ['exec', process.execPath, MAIN_SCRIPT];
  const script = (name: string) => readFile(join(GUEST_FOLDER, name));
  const own = encodeCpio([
    program('init', await script('init')),
    folder('lab'),
    folder('lab/bin'),
    program('lab/bin/conntrail', `#!/bin/sh\n${quoteCommand(conntrail)} "$@"\n`),
    file('lab/run.sh', await script('run.sh')),
    file('lab/settings', settingsText(settings)),
    file('lab/command', `exec ${quoteCommand(command)}\n`),
  ]);
  await writeFile(target, Buffer.concat([await readFile(kernel.initrd), own]));
}
