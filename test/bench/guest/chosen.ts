/** Which subjects there are with this conntrail and this machine's programs. */
import { needTool } from '../../../src/lab/tool.ts';
import { ensurePwru } from './pwru.ts';
import { PARTS, SUBJECTS, type Subject } from './subjects.ts';

/** `help` of `conntrail record`: what it knows. Undefined where an option is not among it. */
export function withKnownOptions(subject: Subject, help: string): Subject | undefined {
  const { command } = subject;
  if (command?.argv[0] !== 'conntrail') return subject;
  const knows = (word: string) => !word.startsWith('--') || help.includes(word);
  const detail = command.argv.indexOf('--detail');
  // all packets in detail is what it does where there is no choice
  const isPlain = !help.includes('--detail') && command.argv[detail + 1] === 'packets';
  const argv = isPlain ? command.argv.toSpliced(detail, 2) : command.argv;
  if (!argv.every(knows)) return undefined;
  return { ...subject, command: { ...command, argv } };
}

async function withProgram(subject: Subject, say: (line: string) => void): Promise<Subject> {
  const { command } = subject;
  if (command?.argv[0] !== '$PWRU') return subject;
  const argv = [await ensurePwru(say), ...command.argv.slice(1)];
  return { ...subject, command: { ...command, argv } };
}

/** Those named, or the rows of the table. */
export async function chooseSubjects(
  names: readonly string[] | undefined,
  main: string,
  say: (line: string) => void,
): Promise<Subject[]> {
  const all = [...SUBJECTS, ...PARTS];
  const help = await needTool([process.execPath, main, 'record', '--help']);
  const unknown = names?.filter((name) => !all.some((subject) => subject.name === name)) ?? [];
  if (unknown.length > 0) {
    const known = all.map(({ name }) => name).join(', ');
    throw new Error(`no subject ${unknown.join(', ')}; there are ${known}`);
  }
  const chosen: Subject[] = [];
  for (const subject of names ? all.filter(({ name }) => names.includes(name)) : SUBJECTS) {
    const known = withKnownOptions(subject, help);
    if (known) chosen.push(await withProgram(known, say));
    else say(`left out: ${subject.name}, conntrail has not all of its options`);
  }
  return chosen;
}
