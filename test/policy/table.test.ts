import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { conntrail } from './conntrail.ts';
import { ROOT } from './sources.ts';

const LINE =
  'tcp 6 114 TIME_WAIT src=10.0.0.10 dst=10.8.2.12 sport=5536 dport=80 src=10.8.2.12 dst=192.168.1.2 sport=80 dport=5536 [ASSURED]';

function piped(args: readonly string[], input: string | Buffer) {
  return spawnSync(process.execPath, [`${ROOT}dist/cli/main.js`, 'table', 'explain', ...args], {
    input,
    encoding: 'utf8',
  });
}

describe('table explain', () => {
  it('says the same of a line in quotes, in words, and from a pipe', () => {
    const quoted = conntrail(['table', 'explain', LINE]);
    expect(quoted.status).toBe(0);
    expect(quoted.stdout).toContain('source NAT to 192.168.1.2');
    expect(conntrail(['table', 'explain', ...LINE.split(' ')]).stdout).toBe(quoted.stdout);
    expect(piped([], `${LINE}\n`).stdout).toBe(quoted.stdout);
    expect(piped(['-'], LINE).stdout).toBe(quoted.stdout);
  });

  it('takes a line of options as it is, and other options not', () => {
    const line = '-A -t 30 -u UNSET -s 10.0.0.2 -d 10.0.1.1 -p udp --sport 5000 --dport 53';
    const words = conntrail(['table', 'explain', ...line.split(' ')]);
    expect(words.stderr).toBe('');
    expect(words.stdout).toMatch(/^line 1: udp 10\.0\.0\.2:5000 > 10\.0\.1\.1:53, unreplied/);
    expect(piped([], line).stdout).toBe(words.stdout);
    for (const args of [[line], ['conntrack', ...line.split(' ')], ['--', line]]) {
      expect(conntrail(['table', 'explain', ...args]).stdout).toBe(words.stdout);
    }
    const { explained } = JSON.parse(
      conntrail(['table', 'explain', ...line.split(' '), '--json']).stdout,
    ) as { explained: unknown[] };
    expect(explained).toHaveLength(1);
  });

  it('is one JSON document with --json', () => {
    const { explained } = JSON.parse(piped(['--json'], `${LINE}\nhello\n`).stdout) as {
      explained: { line: number; record: { kind: string } }[];
    };
    expect(explained.map(({ line, record }) => [line, record.kind])).toEqual([
      [1, 'entry'],
      [2, 'unknown'],
    ]);
    expect(JSON.parse(piped(['--json'], '').stdout)).toMatchObject({ explained: [] });
  });

  it('names what it does not know in one line, and ends with 1', () => {
    const ended = piped([], Buffer.from([0xff, 0xfe, 0x1b, 0x5b, 0x32, 0x4a, 0x00, 0x0a]));
    expect(ended.status).toBe(1);
    expect(ended.stderr).toBe('');
    expect(ended.stdout).toMatch(
      /^line 1: not known: found "[\x20-\x7e\ufffd]*", needed a line[^\n]*\n$/,
    );
  });

  it.each([
    [['list', '-o', 'x'], /needed some of (.*), joined by commas/],
    [['list', '-u', 'x'], /needed some of (.*), joined by commas/],
    [['events', '-o', 'x'], /needed some of (.*), joined by commas/],
    [['insert', '-p', 'udp', '-u', 'OFFLOAD'], /needed some of (.*): the kernel/],
    [['update', '-p', 'udp', '-u', 'OFFLOAD'], /needed some of (.*): the kernel/],
  ])('has in its help each word that an option takes: table %j', (args, needed) => {
    const [, list = ''] = needed.exec(conntrail(['table', ...args]).stderr) ?? [];
    const words = list.split(', ');
    expect(words.length).toBeGreaterThan(2);
    const help = conntrail(['table', args[0]!, '--help']).stdout.replaceAll(/\s+/g, ' ');
    for (const word of words) expect(help).toMatch(new RegExp(`\\b${word}\\b`));
    const takesPrefix = ['list', 'events', 'update'].includes(args[0]!);
    expect(help.includes('original tuple; a prefix such as')).toBe(takesPrefix);
  });

  it('says that there is nothing to explain in an empty text, which is no failure', () => {
    for (const input of ['', '\n\n']) {
      const found = { status: 0, stdout: '', stderr: 'found no lines to explain\n' };
      expect(piped([], input)).toMatchObject(found);
    }
  });

  it('says what to try for words that are no line', () => {
    const { status, stdout, stderr } = conntrail(['table', 'explain', 'foo', 'bar']);
    expect(stdout).toMatch(/^line 1: not known: found "foo bar", needed /);
    expect(stderr).toBe('  try: conntrack -L | conntrail table explain\n');
    expect(status).toBe(1);
  });

  it.each([
    [['table', 'events', 'foo'], 'table events: found "foo", needed conntrack or expect\n'],
    [['table', 'list', '-m', '0x1/zz'], '--mark: found "0x1/zz", needed value or value/mask, '],
    [['table', 'list', '-m', '1/2/3'], '--mark: found "1/2/3", needed value or value/mask, '],
    [['table', 'list', '-m', ''], '--mark: found "", needed value or value/mask, '],
    [
      ['table', 'list', '-p', 'udp', '--state', ''],
      'found --state with udp, needed what it has: --sport, --dport,',
    ],
    [['table', 'explain', ''], 'found an empty text, needed lines to explain'],
    [['table', 'stats', '--count', '3'], 'found --count without --interval, needed both'],
    [['table', 'stats', '--from', 'x', '--interval', '5s'], 'found --from with --interval'],
    [['table', 'stats', '--interval', '5'], '--interval: found "5", needed a number'],
    [['table', 'stats', '--from', 'x', '--settings'], 'found --from with --settings'],
    [['table', 'events', '--count', '0'], '--count: found "0", needed a whole number'],
    [['table', 'events', '-b', '3x'], '--buffer-size: found "3x", needed bytes above 0'],
    [
      ['table', 'events', '-e', 'NEW,OLD'],
      '--event-mask: found "NEW,OLD", needed some of NEW, UPDATES, DESTROY, ALL',
    ],
    [['table', 'list', '--prot', 'tcp'], "unknown option '--prot'\n  try: --proto"],
    [['table', 'list', '--sr=10.0.0.1'], "unknown option '--sr=10.0.0.1'\n  try: --src"],
    [['table', 'list', '--reply-port-src', 'x'], '--reply-port-src: found "x", needed a number'],
    [['table', 'explain', '--jsno'], "unknown option '--jsno'\n  try: "],
    [['table', 'explain', LINE, '-x'], "unknown option '-x'\n  try: "],
    [['table', 'explian'], "unknown command 'explian'\n  try: explain"],
    [['table', 'stats', '--form', 'x'], "unknown option '--form'\n  try: --from"],
  ])('%j is wrong usage', (args, message) => {
    const ended = conntrail(args);
    expect(ended.stderr).toContain(message);
    expect(ended.stderr).toMatch(/^conntrail: [^\n]*\n {2}try: [^\n]*\n$/);
    expect(ended.status).toBe(2);
  });
});

describe('table stats', () => {
  it('tells of a recorded trace who moved each counter', () => {
    const from = 'test/golden/refused.capture';
    const text = conntrail(['table', 'stats', '--from', from]);
    expect(text.status).toBe(0);
    expect(text.stdout).toMatch(/^ {2}invalid: 10 /m);
    expect(text.stdout).toMatch(/^ {4}10 invalid packet: 3 by tcp /m);
    const { counters } = JSON.parse(conntrail(['table', 'stats', '--from', from, '--json']).stdout);
    expect(counters[0]).toMatchObject({ counter: 'invalid', explained: 10 });
  });

  it('ends by itself after --count intervals', (context) => {
    if (!existsSync('/proc/net/stat/nf_conntrack')) context.skip('needs nf_conntrack');
    const ended = conntrail(['table', 'stats', '--json', '--interval', '1ms', '--count', '2']);
    const lines = ended.stdout.trimEnd().split('\n');
    const seconds = lines.map((line) => JSON.parse(line).namespaces[0].seconds !== null);
    expect(seconds).toEqual([false, true, true]);
  });
});
