import { defineConfig } from 'vitest/config';
import { onlyAsked } from './test/kernel/matrix.ts';

/** A guest is a whole kernel, often emulated: minutes, one at a time. */
const GUEST_MS = 20 * 60_000;

export default defineConfig({
  test: {
    pool: 'forks', // the FFI package must not be loaded in worker threads
    reporters: ['default', './test/run/last-words.ts', './test/run/kernel-results.ts'],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/policy/**', 'test/kernel/**'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'policy',
          include: ['test/policy/**/*.test.ts'],
          globalSetup: ['./test/run/build-dist.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'kernel',
          include: ['test/kernel/**/*.test.ts'],
          exclude: onlyAsked().map((file) => `test/kernel/${file}`),
          globalSetup: ['./test/run/build-dist.ts'],
          maxWorkers: 1,
          testTimeout: GUEST_MS,
          hookTimeout: GUEST_MS,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
