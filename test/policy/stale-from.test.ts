/** Stale mappings of a recorded trace: a real one, with rules that were not loaded when it was made. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CaptureReader } from '../../src/export/capture-reader.ts';
import { CaptureWriter } from '../../src/export/capture-writer.ts';
import { hasTool } from '../../src/kernel/tool.ts';
import type { TraceEnd, TraceFacts } from '../../src/model/facts.ts';
import type { Ruleset } from '../../src/model/ruleset.ts';
import { base, dnat, is, redirect, rule, ruleset } from '../explain/rules.ts';
import { conntrail } from './conntrail.ts';

const GOLDEN = 'test/golden/local.capture';
const ROUTER = 4026532245;
const TEN_S = 10_000_000_000n;

const folder = mkdtempSync(join(tmpdir(), 'conntrail-stale-from-'));
afterAll(() => rmSync(folder, { recursive: true }));
const place = (name: string): string => join(folder, name);

/** As they were when the trace was made, but for the port that 3333 leads to. */
const CHAINS = ruleset(
  base('prerouting', [
    rule(is('protocol', '6'), is('dst_port', '2222'), redirect('9999')),
    rule(is('protocol', '17'), is('dst_port', '3333'), redirect('9997')),
  ]),
  base('output', [rule(is('dst', '203.0.113.77'), dnat('203.0.113.2'))]),
);

/** The golden capture with another end. */
async function copyOf(
  name: string,
  change: (end: TraceEnd) => Partial<TraceEnd>,
  facts: Partial<TraceFacts> = {},
): Promise<string> {
  const reader = await CaptureReader.open(GOLDEN);
  const writer = await CaptureWriter.open(place(name), { ...reader.facts, ...facts });
  for await (const { bytes, horizonNs } of reader.chunks()) await writer.append(bytes, horizonNs);
  const end = reader.end!;
  const startedKtimeNs = String(BigInt(end.endedKtimeNs) - TEN_S);
  await writer.close({ ...end, startedKtimeNs, ...change(end) });
  await reader.close();
  return place(name);
}

function read(netns: number): Pick<TraceEnd, 'rulesets'> {
  const loaded: Ruleset = { ...CHAINS, netns, readAtNs: '1' };
  return { rulesets: [loaded] };
}

function lossy(end: TraceEnd): Partial<TraceEnd> {
  const [row, ...rows] = end.ledger.rows;
  const short = { ...row!, sent: row!.sent + 3, ringFull: 3 };
  const lossWindow = { fromNs: '1', toNs: end.endedKtimeNs };
  return { ...read(ROUTER), ledger: { ...end.ledger, rows: [short, ...rows], lossWindow } };
}

const stale = (from: string, ...more: string[]) =>
  conntrail(['explain', '--stale', '--from', from, ...more]);

beforeAll(async () => {
  await copyOf('trace.capture', () => read(ROUTER));
  await copyOf('other.capture', () => read(ROUTER + 1));
  await copyOf('lossy.capture', lossy);
  await copyOf('unnamed.capture', () => read(ROUTER), { netnsNames: {} });
  const { status, stderr } = conntrail([
    ...['export', place('trace.capture'), '--out', place('trace'), '-q'],
  ]);
  if (status !== 0) throw new Error(stderr);
});

describe('explain --stale --from', () => {
  it('lists the entries that the last rules of the trace would map otherwise', () => {
    const { stdout, stderr, status } = stale(place('trace.capture'));
    const command =
      'ip netns exec ct-273-router conntrack -D -f ipv4 -p udp -s 10.0.1.2 -d 10.0.1.1 --sport 5005 --dport 3333';
    expect(stdout.split('\n')).toEqual([
      'ct-273-router: 1 of 8 entries have a stale mapping',
      expect.stringMatching(
        /^target gone: udp 10\.0\.1\.2:5005 > 10\.0\.1\.1:3333, \d[\d.]*s old, 0\.6 packets\/s, \d[\d.]* bytes\/s$/,
      ),
      '  stored: destination 10.0.1.1:3333 mapped to 10.0.1.1:9998',
      expect.stringMatching(
        /^ {2}now at prerouting: redirect to :9997, by ip nat prerouting handle /,
      ),
      `  delete: ${command}`,
      '',
    ]);
    expect(stderr).toBe('complete: 105 records, none lost\n');
    expect(status).toBe(0);
  });

  it('says the same of the dataset made of a capture', () => {
    expect(stale(place('trace')).stdout).toBe(stale(place('trace.capture')).stdout);
  });

  it('takes a namespace by its name in the trace', () => {
    const { stdout } = stale(place('trace'), '--netns', 'ct-273-router', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ namespaces: [{ netns: ROUTER, entries: 8 }] });
    expect(stale(place('trace'), '--netns', 'ct-273-client').stdout).toBe(
      'no entries were in the table when the trace ended\n',
    );
    expect(stale(place('trace'), '--netns', 'nowhere').status).toBe(2);
  });

  it('enters a namespace without a name by a process that is in it by then', (context) => {
    const { stdout } = stale(place('unnamed.capture'));
    const [, path] = / {2}delete: nsenter --net=(.*) conntrack -D -f ipv4 /.exec(stdout) ?? [];
    expect(path).toContain(String(ROUTER));
    if (!hasTool('lsns')) context.skip('needs lsns');
    const own = String(statSync('/proc/self/ns/net').ino);
    const script = `stat -Lc %i ${path?.replace(String(ROUTER), own)}`;
    expect(execFileSync('sh', ['-c', script], { encoding: 'utf8' })).toBe(`${own}\n`);
  });

  it('claims nothing past a loss', () => {
    const { stdout, status } = stale(place('lossy.capture'));
    expect(stdout).toBe(
      'ct-273-router: 0 of 8 entries have a stale mapping\n' +
        '  unknown: 8 of them, records were lost while they were in the table\n',
    );
    expect(status).toBe(3);
  });

  it('claims nothing of a namespace that the trace has no rules of', () => {
    expect(stale(place('other.capture')).stdout).toContain(
      '\n  unknown: 8 of them, the trace has no rules of this namespace\n',
    );
  });

  it('ends with 1 where the trace has no rules at all', () => {
    const { stdout, stderr, status } = stale(GOLDEN);
    expect(stderr).toMatch(
      /^conntrail: test\/golden\/local\.capture has no rules, needed those that were loaded\n/,
    );
    expect([stdout, status]).toEqual(['', 1]);
  });

  it('deletes nothing: the table of now may be another', () => {
    const { stdout, stderr, status } = stale(place('trace'), '--delete', '--yes');
    expect(stderr).toMatch(
      /^conntrail: found --delete, --yes with --from, needed one of them: the table of now may be another than the trace's\n/,
    );
    expect([stdout, status]).toEqual(['', 2]);
  });

  it.each([
    ['--rule', '4'],
    ['--flow', '7'],
    ['--filter', 'tcp'],
  ])('refuses %s', (option, value) => {
    const { stderr, status } = stale(place('trace'), option, value);
    expect(stderr).toContain(`found --stale with ${option}, needed one of them`);
    expect(status).toBe(2);
  });
});
