import { readSysctl } from './sysctl.ts';

/** One for each start of the kernel; undefined where /proc does not tell. */
export function bootId(): string | undefined {
  return readSysctl('kernel.random.boot_id');
}
