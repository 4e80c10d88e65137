/** One guest per subject: boots it, has it play the workloads, and puts counts beside what it saw. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runGuest } from '../../../src/lab/guest.ts';
import { type Instructions, parseCounts, perPacket } from './counts.ts';
import { type Job, marksOf, RESULT, type Seen } from './job.ts';
import { executedBetween, type Line, profile } from './profile.ts';
import type { Subject } from './subjects.ts';

const INSIDE = fileURLToPath(new URL('./inside.js', import.meta.url));
const TIMEOUT_SEC = 1800;

export interface Measured extends Seen {
  readonly instructions: Instructions | undefined;
}

export interface Measurement {
  readonly subject: Subject;
  readonly release: string;
  readonly workloads: readonly Measured[];
  /** Why there is nothing, or not all. */
  readonly failure: string | undefined;
  readonly elapsedMs: number;
  /** Of the first workload, where it was asked for. */
  readonly profile?: readonly Line[];
}

/** A guest that fails, or does not end, is a row without figures. */
export async function measure(...asked: Parameters<typeof tryToMeasure>): Promise<Measurement> {
  const startMs = performance.now();
  try {
    return await tryToMeasure(...asked);
  } catch (error) {
    const [release, { subject }] = asked;
    const failure = error instanceof Error ? error.message : String(error);
    const elapsedMs = performance.now() - startMs;
    return { subject, release, workloads: [], failure, elapsedMs };
  }
}

/** Counts instructions with one CPU only, where they are exact. */
async function tryToMeasure(
  kernel: string,
  job: Job,
  cpus: 1 | 2,
  signal: AbortSignal,
): Promise<Measurement> {
  const folder = await mkdtemp(join(tmpdir(), 'conntrail-bench-'));
  const counts = join(folder, 'counts');
  let [text, complaint] = ['', ''];
  try {
    const guest = await runGuest({
      command: [process.execPath, INSIDE, JSON.stringify(job)],
      kernel,
      cpus,
      accelerator: 'tcg',
      qemuArgs: cpus === 1 ? ['-plugin', pluginOf(job, counts)] : [],
      ...(job.profile && { outDir: folder }),
      timeoutSec: TIMEOUT_SEC,
      signal,
      onStdout: (chunk) => {
        text += chunk.toString();
      },
      onStderr: (chunk) => {
        complaint += chunk.toString();
      },
    });
    const found = parseCounts(cpus === 1 ? await readFile(counts, 'utf8') : '');
    return {
      subject: job.subject,
      release: guest.release,
      workloads: seenIn(text).map((seen) => ({
        ...seen,
        instructions: perPacket(found, seen.workload, job.packets[seen.workload]),
      })),
      failure: guest.status === 0 ? undefined : complaint.trim(),
      elapsedMs: guest.totalMs,
      ...(job.profile && { profile: await profileOf(job, folder) }),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function pluginOf({ tools, profile }: Job, counts: string): string {
  const blocks = profile ? `,blocks=${counts}` : '';
  return `file=${tools}/icount.so,out=${counts}${blocks}`;
}

async function profileOf({ packets }: Job, folder: string): Promise<Line[]> {
  const workload = packets.one > 0 ? 'one' : 'flows';
  const { begin, end } = marksOf(workload);
  const read = (mark: number) => readFile(join(folder, `counts.${mark}`), 'utf8');
  const executed = executedBetween(await read(begin), await read(end));
  return profile(executed, folder, packets[workload]);
}

function seenIn(text: string): Seen[] {
  const lines = text.split('\n').filter((line) => line.startsWith(RESULT));
  return lines.map((line) => JSON.parse(line.slice(RESULT.length)) as Seen);
}
