/**
 * `conntrail lab`: a command, a shell or a scenario on a real kernel in a small
 * virtual machine; with `--here` a scenario on this very kernel.
 */
import { Command, Option } from 'commander';
import { DEFAULT_KERNEL, LAB_KERNELS } from '../lab/kernels.ts';
import { TraceError } from '../model/error.ts';
import type { LabOptions } from './lab-run.ts';
import { parseDurationMs, parseWhole } from './options.ts';

const LEAST_MEMORY_MIB = 256;

const EXAMPLES = `
The guest has this machine's root, read-only; what it writes is gone when it ends,
except the folder $OUT with --out. Environment: CONNTRAIL_LAB_CACHE (where kernels are
kept), CONNTRAIL_LAB_MIRROR (a Debian mirror, else the one in /etc/apt).

Exit status: the command's; 1 when the guest gave none

Examples:
  $ conntrail lab --scenario tour               # a first look: trace and explain some NAT
  $ conntrail lab --list                        # the kernels and scenarios there are
  $ conntrail lab -- uname -r                   # one command on kernel ${DEFAULT_KERNEL}
  $ conntrail lab --kernel 5.10 -- conntrail doctor
  $ conntrail lab --out DIR -- sh -c 'dmesg > $OUT/dmesg'
  $ conntrail lab --scenario redirect --truth -- --buffer 64KiB
  $ conntrail lab --shell                       # exit or Ctrl-A x ends it
  $ conntrail lab --here --scenario redirect    # on this kernel, as root`;

function parseMemory(text: string): number {
  const [, number, unit] = /^(\d+)([MG])$/i.exec(text) ?? [];
  const memoryMiB = Number(number) * (unit?.toUpperCase() === 'G' ? 1024 : 1);
  if (memoryMiB >= LEAST_MEMORY_MIB) return memoryMiB;
  throw new TraceError('usage', `memory: found "${text}", needed ${LEAST_MEMORY_MIB}M or more`, {
    hint: 'for example 2G',
  });
}

export function labCommand(): Command {
  const kernels = LAB_KERNELS.map((kernel) => kernel.name);
  const append = (word: string, before: string[]) => [...before, word];
  return new Command('lab')
    .description('Run a command or a scenario on a real kernel in a small virtual machine.')
    .argument(
      '[command...]',
      'what to run in the guest, as root; with --scenario: options for conntrail record',
    )
    .addOption(
      new Option('--kernel <version>', 'kernel of the guest')
        .choices(kernels)
        .default(DEFAULT_KERNEL),
    )
    .option('--cpus <n>', 'CPUs of the guest', parseWhole('cpus', 1, 64), 2)
    .addOption(
      new Option('--memory <size>', 'memory of the guest')
        .argParser(parseMemory)
        .default(2048, '2G'),
    )
    .addOption(
      new Option('--timeout <duration>', 'end the guest after this long')
        .argParser(parseDurationMs)
        .default(300_000, '300s'),
    )
    .option('--out <dir>', 'gets what the command leaves in $OUT')
    .option('--kernel-arg <word>', "add to the kernel's command line; may be repeated", append, [])
    .option('--refresh', 'fetch the kernel anew')
    .option(
      '--scenario <name>',
      'trace a scenario: see --list; several, separated by commas, under one recording',
    )
    .option('--truth', 'with --scenario: also write truth.json, what the kernel itself counted')
    .option('--here', 'no guest: the scenario runs on this kernel')
    .option('--shell', 'a shell in the guest')
    .option('--list', 'list kernels and scenarios')
    .addHelpText('after', EXAMPLES)
    .action(async (words: string[], options: LabOptions) => {
      const { runLab } = await import('./lab-run.ts');
      await runLab(words, options);
    });
}
