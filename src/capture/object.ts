import { fileURLToPath } from 'node:url';
import type { Backend } from '../model/facts.ts';

/** The compiled probes: two rooms up from this file, from src/ as from dist/. */
export function objectPath(backend: Backend): string {
  return fileURLToPath(new URL(`../../build/${backend}.bpf.o`, import.meta.url));
}
