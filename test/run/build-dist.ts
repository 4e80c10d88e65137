import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Tests that start the program itself run what is in dist/: it must be of these sources. */
export default function buildDist(): void {
  const { status, stdout, stderr } = spawnSync('make', ['-s', 'build'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`make build ended with ${status}\n${stdout}${stderr}`);
}
