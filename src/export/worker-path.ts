import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { TraceError } from '../model/error.ts';

/** From src/ (tests) as from dist/, threads run compiled code: Node 20 reads no TypeScript. */
export function workerPath(name: string): string {
  const built = import.meta.url.endsWith('.ts') ? '../../dist/export/' : './';
  const path = fileURLToPath(new URL(`${built}${name}.js`, import.meta.url));
  if (statSync(path, { throwIfNoEntry: false }) !== undefined) return path;
  throw new TraceError('missing', `${path} is not there, needed for Parquet`, {
    hint: 'npm run build',
  });
}
