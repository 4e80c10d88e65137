import { Command } from 'commander';
import { type Check, type Diagnosis, diagnose } from './doctor-checks.ts';
import { Exit, endWith } from './exit.ts';
import { writeOut } from './write-out.ts';

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('what this kernel and these privileges allow, what is missing, what to do')
    .option('--json', 'print the checks as one JSON object')
    .addHelpText('after', HELP)
    .action(async ({ json = false }: { json?: boolean }) => {
      const { gatherFacts } = await import('./doctor-facts.ts');
      const diagnosis = diagnose(await gatherFacts());
      await writeOut(
        json ? `${JSON.stringify(diagnosis, null, 2)}\n` : describeDiagnosis(diagnosis),
      );
      if (!diagnosis.canTrace) endWith(Exit.failed);
    });
}

export function describeDiagnosis({ canTrace, checks }: Diagnosis): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const lines = checks.flatMap((check) => describeCheck(check, width));
  const limited = checks.filter(({ outcome }) => outcome === 'limited').length;
  const failed = checks.filter(({ outcome }) => outcome === 'failed').map(({ name }) => name);
  const verdict = canTrace
    ? `a trace is possible here${limited > 0 ? `, with ${limited} limit${limited === 1 ? '' : 's'}` : ''}`
    : `no trace is possible here: ${failed.join(', ')}`;
  const next = canTrace ? [] : [`  try: ${nextStep(checks)}`];
  return `${[...lines, '', verdict, ...next].join('\n')}\n`;
}

/** A module can be loaded; what else fails is of this machine, and the lab brings its own. */
function nextStep(checks: readonly Check[]): string {
  const advice = checks.filter(({ outcome }) => outcome === 'failed').map((check) => check.advice);
  const [first = ''] = advice;
  const isModule = first.startsWith('modprobe ') && advice.every((other) => other === first);
  return isModule ? first : 'conntrail lab (a real kernel in a small virtual machine)';
}

function describeCheck({ name, outcome, found, needed, advice }: Check, width: number): string[] {
  const head = `${outcome.padEnd('limited'.length)}  ${name.padEnd(width)}  ${found}`;
  if (outcome === 'ok') return [head];
  const indent = ' '.repeat('limited'.length + 2 + width + 2);
  return [
    head,
    `${indent}needed: ${needed}`,
    ...(advice === undefined ? [] : [`${indent}try: ${advice}`]),
  ];
}

const HELP = `
Exit status: 0 a trace is possible here, 1 it is not

Examples:
  $ conntrail doctor
  $ conntrail doctor --json`;
