/** A disk that takes the beginning of what is printed and no more: one line, and status 1. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CaptureReader } from '../../src/export/capture-reader.ts';
import { CaptureWriter } from '../../src/export/capture-writer.ts';
import { base, is, redirect, rule, ruleset } from '../explain/rules.ts';
import { ROOT } from './sources.ts';

const ROUTER = 4026532245;

const folder = mkdtempSync(join(tmpdir(), 'conntrail-full-'));
afterAll(() => rmSync(folder, { recursive: true }));
const RULED = join(folder, 'ruled.capture');

beforeAll(async () => {
  const reader = await CaptureReader.open('test/golden/local.capture');
  const writer = await CaptureWriter.open(RULED, reader.facts);
  for await (const { bytes, horizonNs } of reader.chunks()) await writer.append(bytes, horizonNs);
  const loaded = {
    ...ruleset(base('prerouting', [rule(is('protocol', '6'), redirect('9999'))])),
    netns: ROUTER,
    readAtNs: '1',
  };
  await writer.close({ ...reader.end!, rulesets: [loaded] });
  await reader.close();
});

/** What is printed goes to a file on a disk that has room for 16 bytes more, or for none. */
function redirected(
  args: readonly string[],
  place: 'a full disk' | '/dev/full',
): { status: number | null; stderr: string } {
  const disk = join(folder, 'disk');
  mkdirSync(disk, { recursive: true });
  const path = place === '/dev/full' ? place : join(disk, 'file');
  const fill = `mount -t tmpfs -o size=4k none ${disk} && head -c 4080 /dev/zero >${disk}/file`;
  const command = [process.execPath, `${ROOT}dist/cli/main.js`, ...args];
  return spawnSync(
    'unshare',
    ['-m', 'sh', '-c', `${fill} && exec "$@" >>${path}`, ...['sh', ...command]],
    {
      encoding: 'utf8',
      env: { ...process.env, CONNTRAIL_DEBUG: '' },
    },
  );
}

/** Words of the command lines below that stand for what is only known here. */
const PLACES: Readonly<Record<string, string>> = {
  LOCAL: 'test/golden/local.capture',
  REFUSED: 'test/golden/refused.capture',
  RULED,
  HERE: `pid:${process.pid}`,
};

describe.each(['a full disk', '/dev/full'] as const)('%s', (place) => {
  it.for([
    'explain --from LOCAL',
    'explain --from LOCAL --json',
    'explain --from LOCAL --flow 1',
    'explain --from LOCAL --flow 1 --json',
    'explain --stale --from RULED',
    'explain --stale --from RULED --json',
    'explain --stale --netns HERE',
    'explain --stale --netns HERE --json',
    'watch --from LOCAL',
    'watch --from LOCAL --flows',
    'watch --from LOCAL --format json',
    'watch --from REFUSED --failures',
    'watch --from REFUSED --failures --format json',
    'table stats --from REFUSED',
    'table stats --from REFUSED --json',
    'table stats --netns HERE',
    'table stats --netns HERE --json',
    'doctor',
    'doctor --json',
    'lab --list',
    '--help',
    'table list --help',
  ])('is one line and status 1: %s', (line, context) => {
    if (process.getuid?.() !== 0) context.skip('needs root');
    const args = line.split(' ').map((word) => PLACES[word] ?? word);
    const { status, stderr } = redirected(args, place);
    expect(stderr).toBe(
      'conntrail: write standard output: ENOSPC\n  try: free some space, or choose another place\n',
    );
    expect(status).toBe(1);
  });
});
