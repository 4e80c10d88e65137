import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { conntrail } from './conntrail.ts';

const CAPTURE = 'test/golden/local.capture';
const folder = mkdtempSync(join(tmpdir(), 'conntrail-recorded-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Findings {
  readonly certainty: string;
  readonly lost: number | null;
  readonly namespaces: readonly { readonly packets: number }[];
}

function explain(from: string) {
  const ended = conntrail(['explain', '--from', from, '--json']);
  return { ...ended, findings: JSON.parse(ended.stdout) as Findings };
}

describe('a recorded trace', () => {
  it('says the same from a capture and from the dataset made of it', () => {
    const dir = join(folder, 'once');
    expect(conntrail(['export', CAPTURE, '--out', dir, '-q']).status).toBe(0);
    expect(explain(dir).findings).toEqual(explain(CAPTURE).findings);
  });

  it('is the newest run where a folder holds several, and says so', () => {
    const dir = join(folder, 'twice');
    for (let run = 0; run < 2; run++) {
      expect(conntrail(['export', CAPTURE, '--out', dir, '-q']).status).toBe(0);
    }
    const { findings, stderr } = explain(dir);
    expect(stderr).toContain(`2 runs in ${dir}: reading the newest`);
    expect(findings.namespaces).toEqual(explain(CAPTURE).findings.namespaces);
  });

  it('is not called complete where it was cut short', () => {
    const bytes = readFileSync(CAPTURE);
    const cut = join(folder, 'cut.capture');
    writeFileSync(cut, bytes.subarray(0, Math.floor(bytes.length / 2)));
    const { findings, status, stderr } = explain(cut);
    expect(findings).toMatchObject({ certainty: 'unknown', lost: null });
    expect(stderr).toContain('cut short');
    expect(status).toBe(3);
  });

  it('takes the folder that the lab left for the trace in it', () => {
    const left = join(folder, 'left');
    mkdirSync(left);
    copyFileSync(CAPTURE, join(left, 'trace.capture'));
    expect(explain(left).findings).toEqual(explain(CAPTURE).findings);
  });

  it('refuses to explain a rule and a flow at once', () => {
    const ended = conntrail(['explain', '--from', CAPTURE, '--rule', '4', '--flow', '1']);
    expect(ended.stderr).toMatch(/^conntrail: found --rule with --flow, needed one of them\n/);
    expect(ended.status).toBe(2);
  });

  it.each([
    ['--filter', 'tcp'],
    ['--duration', '1s'],
    ['--buffer', '4MiB'],
  ])('refuses %s, which it could only ignore', (option, value) => {
    const ended = conntrail(['watch', '--from', CAPTURE, option, value]);
    expect(ended.stderr).toMatch(new RegExp(`^conntrail: found --from with ${option}, needed one`));
    expect(ended.status).toBe(2);
  });
});
