import { fileURLToPath } from 'node:url';

/** The compiled probes: two rooms up from this file, from src/ as from dist/. */
export const OBJECT_PATH = fileURLToPath(new URL('../../build/conntrail.bpf.o', import.meta.url));
