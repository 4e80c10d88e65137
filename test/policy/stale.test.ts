/** Stale mappings of real flows, under rules that change: nft, conntrack and three namespaces. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasTool } from '../../src/kernel/tool.ts';
import { type Schema, schemaErrors } from '../explain/schema-check.ts';
import { ROOT } from './sources.ts';

const folder = mkdtempSync(join(tmpdir(), 'conntrail-stale-'));
afterAll(() => rmSync(folder, { recursive: true }));

const isRoot = process.getuid?.() === 0;
const needed = [
  'nft',
  'conntrack',
  'ip',
  'script',
  'iptables-legacy',
  'iptables-nft-restore',
].filter((tool) => !hasTool(tool));
const canRun = isRoot && needed.length === 0;
const reason = isRoot ? `needs ${needed.join(', ')}` : 'needs root, to make namespaces';

const read = (name: string): string => readFileSync(join(folder, name), 'utf8');

interface Listed {
  readonly entries: number;
  readonly stale: readonly {
    readonly kind: string;
    readonly entry: { readonly original: { readonly dst: string } };
    readonly texts: { readonly stored: string; readonly now: readonly string[] };
    readonly rate: object | null;
  }[];
}

function listed(name: string): Listed {
  const { namespaces } = JSON.parse(read(name)) as { namespaces: Listed[] };
  expect(namespaces).toHaveLength(1);
  return namespaces[0]!;
}

beforeAll(() => {
  if (!canRun) return;
  const conntrail = `${process.execPath} ${ROOT}dist/cli/main.js`;
  const script = ['bash', `${ROOT}test/policy/stale.sh`, conntrail, folder];
  const { status, stderr } = spawnSync('unshare', ['--net', '--mount', ...script], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`stale.sh ended with ${status}: ${stderr}`);
});

describe('explain --stale', () => {
  it('finds nothing while the rules are those that decided', (context) => {
    if (!canRun) context.skip(reason);
    expect(listed('mapped')).toMatchObject({ entries: 2, stale: [] });
  });

  it('finds the flow that keeps its old target, and the one a new rule never saw', (context) => {
    if (!canRun) context.skip(reason);
    const { stale } = listed('changed');
    const kinds = stale.map(({ kind, entry }) => `${entry.original.dst} ${kind}`);
    expect(kinds.sort()).toEqual(['10.0.1.1 target gone', '10.0.2.6 rule added']);
    const gone = stale.find(({ kind }) => kind === 'target gone');
    expect(gone?.texts.stored).toBe('destination 10.0.1.1:53 mapped to 10.0.2.5:53');
    expect(gone?.texts.now).toEqual([
      expect.stringMatching(
        /^dnat to 10\.0\.2\.6, by ip nat pre handle \d+ \(nft\): iifname "r0" /,
      ),
    ]);
    expect(gone?.rate).toEqual({ packetsPerS: 0, bytesPerS: 0 });
  });

  it('prints a command that deletes exactly that entry', (context) => {
    if (!canRun) context.skip(reason);
    expect(read('listed')).toContain(
      '\n  delete: ip netns exec router conntrack -D -f ipv4 -p udp ',
    );
    expect(read('printed')).toContain('1 flow entries have been deleted');
  });

  it('deletes the others, once it is told to', (context) => {
    if (!canRun) context.skip(reason);
    expect(read('unasked.status')).toBe('2\n');
    expect(read('unasked.err')).toMatch(
      /^conntrail: found --delete without a terminal to ask on, needed --yes\n/,
    );
    expect(read('unasked')).toBe('');
    expect(read('deleted.err')).toBe('1 of 1 deleted\n');
    expect(read('deleted.status')).toBe('0\n');
  });

  it('finds nothing once those flows have begun again', (context) => {
    if (!canRun) context.skip(reason);
    expect(listed('again')).toMatchObject({ entries: 2, stale: [] });
  });

  it('asks at a terminal, and deletes nothing without a yes', (context) => {
    if (!canRun) context.skip(reason);
    for (const name of ['refused', 'ended', 'interrupted']) {
      expect(read(name), name).toContain('delete 2 entries? [y/N] ');
      expect(read(name), name).not.toMatch(/deleted|unexpected/);
      expect(read(`${name}.status`), name).toBe('0\n');
      expect(read(`${name}.left`), name).toBe('2\n');
    }
  });

  it('deletes what a yes at a terminal was about', (context) => {
    if (!canRun) context.skip(reason);
    expect(read('agreed')).toContain('delete 1 entry? [y/N] ');
    expect(read('agreed')).toContain('1 of 1 deleted');
    expect(read('agreed.status')).toBe('0\n');
    expect(read('agreed.left')).toBe('2\n');
  });

  it('enters a namespace without a name by a process in it, under rules of legacy iptables', (context) => {
    if (!canRun) context.skip(reason);
    const [pid, inode] = read('container').trim().split(' ');
    expect(read('unnamed')).toMatch(
      new RegExp(`^namespace ${inode}: 1 of 1 entries have a stale mapping\n`),
    );
    expect(read('unnamed')).toContain(
      'now at output: redirect to :5354, by ip nat OUTPUT rule 1 (legacy): ',
    );
    expect(read('unnamed')).toContain(
      `\n  delete: nsenter --net=/proc/${pid}/ns/net conntrack -D -f ipv4 -p udp `,
    );
    expect(read('unnamed.printed')).toContain('1 flow entries have been deleted');
  });

  it('finds the flow to a replaced endpoint of Kubernetes, as docs/explain.md shows it', (context) => {
    if (!canRun) context.skip(reason);
    const shown = (text: string): string =>
      text
        .replace(/(sport |handle |10\.0\.1\.2:)\d+/g, '$1N')
        .replace(/[\d.]+ (packets|bytes)\/s/g, 'N $1/s');
    const docs = readFileSync(`${ROOT}docs/explain.md`, 'utf8');
    expect(read('kubernetes')).toContain('target gone: udp 10.0.1.2:');
    expect(shown(docs)).toContain(shown(read('kubernetes')));
  });

  it('says in JSON what its published schema says', (context) => {
    if (!canRun) context.skip(reason);
    const schema = JSON.parse(readFileSync(`${ROOT}docs/stale.schema.json`, 'utf8')) as Schema;
    expect(schemaErrors(schema, JSON.parse(read('changed')))).toEqual([]);
  });
});
