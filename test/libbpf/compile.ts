import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Compiles fixture.bpf.c into a new folder, which is the caller's to remove. */
export function compileFixture(): { folder: string; object: string } {
  const source = fileURLToPath(new URL('fixture.bpf.c', import.meta.url));
  const folder = mkdtempSync(join(tmpdir(), 'libbpf-'));
  const object = join(folder, 'fixture.bpf.o');
  execFileSync('clang', ['-target', 'bpf', '-g', '-O2', '-Wall', '-c', source, '-o', object]);
  return { folder, object };
}
