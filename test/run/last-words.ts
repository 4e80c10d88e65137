import type { SerializedError, TestCase, TestModule } from 'vitest/node';
import { onlyAsked } from '../kernel/matrix.ts';

const MESSAGE_LINES = 12;
const LINE_WIDTH = 300;

/**
 * The end of a run's output, which is what is read: what was not tested, and
 * why, which a green run must not hide; then what failed, shortly.
 */
export default class LastWords {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const skipped = modules.flatMap((module) => [...module.children.allTests('skipped')]);
    if (skipped.length > 0) process.stdout.write(`\nSkipped ${skipped.length}:\n`);
    process.stdout.write(counted(skipped.map(whySkipped)).join(''));
    if (modules.some(({ project }) => project.name === 'kernel')) process.stdout.write(leftOut());
    process.stdout.write(modules.flatMap(failures).join(''));
    for (const { message } of unhandled) {
      process.stdout.write(`\nFailed outside of the tests:\n${brief(message)}`);
    }
  }
}

function leftOut(): string {
  const files = onlyAsked().map((file) => file.replace('.test.ts', ''));
  return files.length === 0 ? '' : `\nLeft to make test-kernels: ${files.join(', ')}\n`;
}

/** Each text once, with how often it came. */
function counted(texts: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts].map(([text, count]) => `  ${text}${count > 1 ? ` (${count})` : ''}\n`);
}

/** Tests behind one failed setup share a line. */
function whySkipped(test: TestCase): string {
  const file = test.module.relativeModuleId;
  const result = test.result();
  const note = result.state === 'skipped' ? result.note : undefined;
  if (note !== undefined) return `${file} > ${test.fullName}: ${note}`;
  const broken = failedSetup(test);
  if (broken) return `${[file, ...broken].join(' > ')}: its setup failed`;
  return `${file} > ${test.fullName}: no reason given`;
}

/** The name of the suite around the test whose setup failed; none for the file itself. */
function failedSetup(test: TestCase): string[] | undefined {
  for (let at: TestCase['parent'] = test.parent; at.type === 'suite'; at = at.parent) {
    if (at.errors().length > 0) return [at.fullName];
  }
  return test.module.errors().length > 0 ? [] : undefined;
}

/** Of a file itself, of what is set up for several tests, and of single tests. */
function failures(module: TestModule): string[] {
  const told: string[] = [];
  const tell = (name: string, errors: readonly { readonly message: string }[] = []) => {
    const text = errors.map(({ message }) => brief(message)).join('');
    if (errors.length > 0) told.push(`\nFailed: ${name}\n${text}`);
  };
  tell(module.relativeModuleId, module.errors());
  for (const suite of module.children.allSuites()) {
    tell(
      `${module.relativeModuleId} > ${suite.fullName}, before or after its tests`,
      suite.errors(),
    );
  }
  for (const test of module.children.allTests('failed')) {
    tell(`${module.relativeModuleId} > ${test.fullName}`, test.result().errors);
  }
  return told;
}

/** Beginning and end: a guest tells its story first and its fault last. */
function brief(message: string): string {
  const lines = message.split('\n').map((line) => `    ${line.slice(0, LINE_WIDTH)}\n`);
  if (lines.length <= MESSAGE_LINES) return lines.join('');
  const half = MESSAGE_LINES / 2;
  return [...lines.slice(0, half), '    …\n', ...lines.slice(-half)].join('');
}
