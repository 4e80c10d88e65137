import type { TestCase, TestModule } from 'vitest/node';

/** What was not tested, and why: a green run must not hide it. */
export default class SkippedReporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const skipped = modules.flatMap((module) => [...module.children.allTests('skipped')]);
    if (skipped.length === 0) return;
    process.stdout.write(`\nSkipped ${skipped.length}:\n${skipped.map(line).join('')}`);
  }
}

function line(test: TestCase): string {
  const result = test.result();
  const note = result.state === 'skipped' ? result.note : undefined;
  return `  ${test.module.relativeModuleId} > ${test.fullName}: ${note ?? 'no reason given'}\n`;
}
