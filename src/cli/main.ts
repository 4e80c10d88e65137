#!/usr/bin/env node
import { describeError } from './failure.ts';
import { keepHeapSmall } from './small-heap.ts';

try {
  keepHeapSmall(); // before it has grown
  const { run } = await import('./program.ts');
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  // A package that cannot be loaded: not installed, or not built for this machine.
  process.stderr.write(describeError(error));
  process.exitCode = 1;
}
