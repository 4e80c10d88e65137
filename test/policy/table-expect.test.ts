/** Expectations listed, got, made, deleted and followed, held against conntrack(8). */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EXPECTED, insertMasters, timelessExpectations, withReply } from './expected.ts';
import { cannotRun, TestNetns } from './table-netns.ts';

const PATIENCE_MS = 60_000;
const folder = mkdtempSync(join(tmpdir(), 'conntrail-expect-'));
let netns: TestNetns;

beforeAll(() => {
  if (cannotRun !== undefined) return;
  netns = new TestNetns();
  insertMasters(netns);
});

beforeEach((context) => {
  if (cannotRun !== undefined) context.skip(cannotRun);
  netns.conntrack('-F', 'expect');
});

afterAll(() => {
  if (cannotRun === undefined) netns.remove();
  rmSync(folder, { recursive: true });
});

const words = (text: string): string[] => (text === '' ? [] : text.split(' '));
const theirs = (args: string) => netns.conntrack(...words(args));
const ours = (args: string) => netns.table(...words(args));
/** All that are there, as conntrack lists them: one family at a time. */
const listed = (form = ''): string[] =>
  ['ipv4', 'ipv6'].flatMap((family) =>
    timelessExpectations(theirs(`-L expect -f ${family}${form}`).stdout),
  );

function makeAll(): void {
  for (const { master, tuple } of EXPECTED) {
    expect(theirs(`-I expect ${master} ${tuple}`)).toMatchObject({ status: 0, stderr: '' });
  }
  expect(listed()).toHaveLength(EXPECTED.length);
}

describe('table list expect', () => {
  it.each([
    '',
    '-o extended',
    '-o id',
    '-o ktimestamp',
    '-o timestamp',
    '-o xml',
    '-o xml,timestamp',
  ])(
    'prints the lines of conntrack -L expect %s',
    (form) => {
      makeAll();
      for (const family of ['ipv4', 'ipv6']) {
        const args = `-f ${family} ${form}`.trim();
        const wanted = timelessExpectations(theirs(`-L expect ${args}`).stdout);
        const found = ours(`list expect ${args}`);
        expect(found).toMatchObject({ status: 0, stderr: '' });
        expect(timelessExpectations(found.stdout)).toEqual(wanted);
        expect(wanted.length).toBeGreaterThanOrEqual(2);
      }
    },
    PATIENCE_MS,
  );

  it('has both families where none is asked for', () => {
    makeAll();
    expect(timelessExpectations(ours('list expect').stdout)).toEqual(listed().sort());
    expect(ours('count expect').stdout).toBe(`${EXPECTED.length}\n`);
    expect(ours('count expect -f ipv4').stdout).toBe(theirs('-C expect').stdout);
  });

  it('prints a whole document of XML where there are none', () => {
    expect(ours('list expect -o xml').stdout).toMatch(/^<\?xml [^\n]*\n<expect>\n<\/expect>\n$/);
    expect(ours('list expect').stdout).toBe('');
  });

  it('has JSON lines, columns and Parquet', async () => {
    const { master, tuple } = EXPECTED[4]!;
    theirs(`-I expect ${master} ${tuple}`);
    const { stdout } = ours('list expect -o json');
    const wanted = {
      ...{ news: 'listed', family: 4, protocol: 6, src: '192.0.2.5', dst: '10.3.0.5' },
      ...{ src_port: 1640, dst_port: 1740, mask_src: '255.255.255.255', mask_src_port: 0xff00 },
      ...{ master_src: '10.1.0.5', master_dst: '10.2.0.5', master_src_port: 2004 },
      ...{ master_dst_port: 3004, zone: 0, class: 0, helper: 'ftp', permanent: false },
      ...{ nat_address: null, nat_port: null },
    };
    const found = JSON.parse(stdout) as { timeout_s: number };
    expect(found).toMatchObject(wanted);
    expect(Math.abs(found.timeout_s - 300)).toBeLessThan(60);
    expect(ours('list expect -o columns').stdout).toMatch(
      /^protocol ends in .*\ntcp {6}(4m\d\ds|5m00s) +ftp +192\.0\.2\.5:1640 > 10\.3\.0\.5:1740 +10\.1\.0\.5:2004 > 10\.2\.0\.5:3004\n$/,
    );
    const file = join(folder, 'expect.parquet');
    expect(ours(`list expect --out ${file}`)).toMatchObject({ status: 0, stderr: '' });
    const rows = await parquetReadObjects({ file: await asyncBufferFromFile(file), compressors });
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({ dst_port: 1740, master_dst_port: 3004, helper: 'ftp' });
  });
});

describe('table get, insert, delete and flush expect', () => {
  it(
    'get and delete what conntrack -G and -D expect do, and no other',
    () => {
      makeAll();
      const before = listed();
      const gone: string[] = [];
      for (const { flow } of EXPECTED) {
        const wanted = theirs(`-G expect ${withReply(flow)}`).stdout;
        const found = ours(`get expect ${withReply(flow)}`);
        expect(found).toMatchObject({ status: 0, stderr: '' });
        expect(timelessExpectations(found.stdout)).toEqual(timelessExpectations(wanted));
        expect(ours(`get expect ${flow}`).status).toBe(0);
        const deleted = ours(`delete expect ${flow}`);
        expect(deleted).toMatchObject({ status: 0, stdout: '', stderr: '1 expectation deleted\n' });
        gone.push(...timelessExpectations(wanted));
        expect(listed().sort()).toEqual(before.filter((line) => !gone.includes(line)).sort());
        expect(theirs(`-G expect ${withReply(flow)}`).status).toBe(1);
      }
      expect(gone).toHaveLength(EXPECTED.length);
      const { status, stderr } = ours(`get expect ${EXPECTED[0]!.flow}`);
      expect(stderr).toContain('found no expectation that such a flow would fulfil');
      expect(status).toBe(1);
      expect(ours(`delete expect ${EXPECTED[0]!.flow}`).status).toBe(1);
    },
    PATIENCE_MS,
  );

  it(
    'make what conntrack -I expect makes',
    () => {
      for (const { master, tuple } of EXPECTED) {
        theirs(`-I expect ${master} ${tuple}`);
        const wanted = [...listed(), ...listed(' -o xml')];
        expect(listed()).toHaveLength(1);
        theirs('-F expect');
        const made = ours(`insert expect ${master} ${tuple}`);
        expect(made).toMatchObject({ status: 0, stderr: '1 expectation inserted\n' });
        expect([...listed(), ...listed(' -o xml')]).toEqual(wanted);
        theirs('-F expect');
      }
    },
    PATIENCE_MS,
  );

  it('make one of TCP with any port, and with all bits of what has no mask', () => {
    const { master } = EXPECTED[3]!;
    const tuple = '-t 300 --tuple-src 192.0.2.9 --tuple-dst 10.3.0.9 --tuple-port-dst 51210';
    expect(ours(`insert expect ${master} ${tuple}`).status).toBe(0);
    expect(listed()).toEqual([
      expect.stringMatching(
        /^T proto=6 src=192\.0\.2\.9 dst=10\.3\.0\.9 sport=0 dport=51210 mask-src=255\.255\.255\.255 mask-dst=255\.255\.255\.255 sport=0 dport=65535 master-src=10\.1\.0\.4 /,
      ),
    ]);
  });

  it('flush asks before it deletes more than one', () => {
    makeAll();
    const refused = ours('flush expect');
    expect(refused.stderr).toContain(
      `found ${EXPECTED.length} expectations to delete and no terminal`,
    );
    expect(refused.status).toBe(2);
    expect(listed()).toHaveLength(EXPECTED.length);
    expect(ours('flush expect --yes').stderr).toBe(`${EXPECTED.length} expectations deleted\n`);
    expect(listed()).toEqual([]);
    expect(ours('flush expect').stderr).toBe('0 expectations deleted\n');
    expect(theirs('-C').stdout).toBe(`${EXPECTED.length}\n`);
  });
});
