/** News of a real table, also where the kernel throws most of them away. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ROOT } from './sources.ts';
import { cannotRun, TestNetns, timeless } from './table-netns.ts';

const PATIENCE_MS = 120_000;
const STORM = 50_000;
/** Entries that are made until somebody tells of one. */
const MOST_TURNS = 2000;
let netns: TestNetns;

beforeAll(() => {
  if (cannotRun !== undefined) return;
  netns = new TestNetns();
  netns.run('sysctl', ['-qw', 'net.netfilter.nf_conntrack_events=1']); // of what is made while nobody listens too
});

beforeEach((context) => {
  if (cannotRun !== undefined) context.skip(cannotRun);
  netns.conntrack('-F');
});

/** Of a test that failed: they would go on for ever. */
const running: ChildProcess[] = [];

afterAll(() => {
  for (const child of running) child.kill('SIGKILL');
  if (cannotRun === undefined) netns.remove();
});

const words = (text: string): string[] => text.split(' ');

/** `table events` in the background; what it has written so far. */
class Events {
  stdout = '';
  stderr = '';
  private readonly child;
  private turns = 0;
  private readonly ended: Promise<unknown[]>;

  constructor(...args: readonly string[]) {
    const main = `${ROOT}dist/cli/main.js`;
    const command = [main, 'table', 'events', '--netns', netns.name, ...args];
    this.child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout.on('data', (bytes: Buffer) => {
      this.stdout += bytes;
    });
    this.child.stderr.on('data', (bytes: Buffer) => {
      this.stderr += bytes;
    });
    this.ended = once(this.child, 'close');
    running.push(this.child);
  }

  /** Until it listens: it tells of an entry made for that. */
  async begun(): Promise<void> {
    for (let port = 1; this.stdout === ''; port++) {
      netns.conntrack(...words(`-I -p udp -s 1.1.1.1 -d 1.1.1.2 --sport ${port} --dport 9 -t 600`));
      await this.turn();
    }
    netns.conntrack('-F');
  }

  async until(isThere: (stdout: string) => boolean): Promise<void> {
    while (!isThere(this.stdout)) {
      await Promise.race([once(this.child.stdout, 'data'), this.ended]);
      this.mustRun();
    }
  }

  /** Lets its output come; of a program that has ended none will. */
  async turn(): Promise<void> {
    await new Promise(setImmediate);
    if (++this.turns > MOST_TURNS) throw new Error(`table events tells nothing: ${this.stderr}`);
    this.mustRun();
  }

  private mustRun(): void {
    const { exitCode, signalCode } = this.child;
    if (signalCode === null && (exitCode === null || exitCode === 0)) return;
    throw new Error(`table events ended with ${exitCode ?? signalCode}: ${this.stderr}`);
  }

  /** What it ends with, told to. */
  async stop(): Promise<number> {
    this.child.kill('SIGTERM');
    return this.end();
  }

  /** What it ends with by itself. */
  async end(): Promise<number> {
    const [status] = await this.ended;
    return status as number;
  }
}

/** Save lines of so many new flows. */
function storm(count: number): string {
  return Array.from(
    { length: count },
    (_, index) =>
      `-A -t 3000 -u UNSET -s 10.1.${index >>> 8}.${index & 255} -d 10.9.9.9 -p udp --sport 7 --dport 9\n`,
  ).join('');
}

function restore(input: string): void {
  const main = `${ROOT}dist/cli/main.js`;
  netns.run(process.execPath, [main, 'table', 'restore', '-'], input);
}

describe('table events', () => {
  it(
    'tell new, changed and destroyed entries as conntrack -E does',
    async () => {
      const events = new Events('-o', 'id');
      await events.begun();
      netns.conntrack(...words('-I -p udp -s 5.5.5.5 -d 1.1.1.2 --sport 4 --dport 9 -t 600'));
      netns.table('update', ...words('-s 5.5.5.5 --mark 33'));
      netns.table('delete', ...words('-s 5.5.5.5'));
      await events.until((text) => /\[DESTROY\] .*src=5\.5\.5\.5/.test(text));
      expect(await events.stop()).toBe(0);
      const own = events.stdout.split('\n').filter((line) => line.includes('src=5.5.5.5'));
      expect(own).toEqual([
        expect.stringMatching(/^ {4}\[NEW\] udp {6}17 600 src=5\.5\.5\.5 .* id=\d+( |$)/),
        expect.stringMatching(/^ \[UPDATE\] udp {6}17 \d+ src=5\.5\.5\.5 .* mark=33 .*id=\d+( |$)/),
        expect.stringMatching(/^\[DESTROY\] udp {6}17 .*src=5\.5\.5\.5 .* id=\d+( |$)/),
      ]);
      expect(events.stderr).toMatch(/^complete: \d+ new, \d+ changed, \d+ destroyed, none thrown/m);
    },
    PATIENCE_MS,
  );

  it(
    'say what happened in columns too, and at the end count what they showed',
    async () => {
      const events = new Events('-o', 'columns', '-e', 'NEW,DESTROY', '-s', '5.5.5.5');
      await events.begun();
      netns.conntrack(...words('-I -p udp -s 5.5.5.5 -d 1.1.1.2 --sport 4 --dport 9 -t 600'));
      netns.conntrack(...words('-I -p udp -s 5.5.5.5 -d 1.1.1.2 --sport 5 --dport 9 -t 600'));
      netns.conntrack(...words('-U -s 5.5.5.5 -m 33'));
      netns.conntrack(...words('-D -s 5.5.5.5 -p udp --sport 4'));
      // a head, and three lines of news
      await events.until((text) => text.split('\n').length > 4);
      expect(await events.stop()).toBe(0);
      const [head = '', ...lines] = events.stdout.trimEnd().split('\n');
      expect(head).toMatch(/^news +protocol +state /);
      expect(lines.map((line) => line.split(/ +/).slice(0, 2))).toEqual([
        ['NEW', 'udp'],
        ['NEW', 'udp'],
        ['DESTROY', 'udp'],
      ]);
      expect(events.stderr).toBe('complete: 2 new, 1 destroyed, none thrown away\n');
    },
    PATIENCE_MS,
  );

  it(
    'say what they may not know, where the kernel need not note what happens to entries from before',
    async () => {
      netns.run('sysctl', ['-qw', 'net.netfilter.nf_conntrack_events=2']);
      try {
        netns.conntrack(...words('-I -p udp -s 5.5.5.5 -d 1.1.1.2 --sport 4 --dport 9 -t 600'));
        const events = new Events('-e', 'NEW,DESTROY');
        for (let port = 5; !events.stdout.includes('[NEW]'); port++) {
          netns.conntrack(
            ...words(`-I -p udp -s 5.5.5.5 -d 1.1.1.2 --sport ${port} --dport 9 -t 60`),
          );
          await events.turn();
        }
        netns.conntrack('-F');
        await events.until((text) => text.includes('[DESTROY]'));
        expect(await events.stop()).toBe(0);
        expect(events.stderr).toMatch(
          /^conntrail: nf_conntrack_events is 2: no news of entries [^\n]*\n {2}try: [^\n]* sysctl -w \S+_events=1\n\d+ new, \d+ destroyed, none thrown away; the kernel may tell nothing of \d+ from before\n$/,
        );
      } finally {
        netns.run('sysctl', ['-qw', 'net.netfilter.nf_conntrack_events=1']);
      }
    },
    PATIENCE_MS,
  );

  it(
    'prints the lines of conntrack -E',
    async () => {
      const events = new Events('-e', 'NEW', '-s', '10.1.0.0/16');
      const theirs = spawn('ip', [
        ...['netns', 'exec', netns.name, 'stdbuf', '-oL'],
        ...['conntrack', '-E', '-e', 'NEW', '-s', '10.1.0.0/16'],
      ]);
      running.push(theirs);
      let lines = '';
      theirs.stdout.on('data', (bytes: Buffer) => {
        lines += bytes;
      });
      for (let turn = 0; lines === '' || events.stdout === ''; turn++) {
        const args = `-p tcp -s 10.1.0.1 -d 1.1.1.2 --sport ${turn + 1} --dport 9 -t 600 --state SYN_SENT`;
        netns.conntrack('-I', ...words(args));
        await events.turn();
      }
      restore(storm(50));
      const isLast = (text: string) => text.includes('src=10.1.0.49 ');
      await events.until(isLast);
      while (!isLast(lines)) await once(theirs.stdout, 'data');
      await events.stop();
      theirs.kill();
      const ofStorm = (text: string) =>
        timeless(text.replace(/ progname=.*/g, '')).filter((line) =>
          line.includes('dst=10.9.9.9 '),
        );
      expect(ofStorm(events.stdout)).toEqual(ofStorm(lines));
      expect(ofStorm(lines)).toHaveLength(50);
    },
    PATIENCE_MS,
  );

  it(
    'tell only what was asked for',
    async () => {
      const events = new Events('-e', 'DESTROY', '-p', 'udp', '--dport', '9', '--count', '2');
      const add = (port: number) => {
        const name = `-p udp -s 4.4.4.4 -d 1.1.1.2 --sport ${port} --dport`;
        netns.conntrack('-I', ...words(`${name} 9 -t 600`));
        netns.conntrack('-I', ...words(`${name} 8 -t 600`));
        netns.conntrack('-F');
      };
      for (let port = 1; events.stdout.split('\n').length < 3; port++) {
        add(port);
        await events.turn();
      }
      expect(await events.end()).toBe(0);
      const lines = events.stdout.trimEnd().split('\n');
      expect(lines).toHaveLength(2);
      for (const line of lines) expect(line).toMatch(/^\[DESTROY\] udp .* dport=9 .*dport=\d/);
    },
    PATIENCE_MS,
  );

  it(
    'make up for what the kernel threw away, so that each new flow is told once',
    async () => {
      const events = new Events('-e', 'NEW', '-b', '64KiB', '-s', '10.1.0.0/16', '-o', 'id');
      const all = new Events('-e', 'NEW');
      await all.begun();
      await all.stop();
      // it listens as well: a flow of its own filter says so
      for (let port = 1; events.stdout === ''; port++) {
        netns.conntrack(
          ...words(`-I -p udp -s 10.1.0.0 -d 1.1.1.2 --sport ${port} --dport 8 -t 600`),
        );
        await events.turn();
      }
      netns.conntrack('-F');
      restore(storm(STORM));
      const ofStorm = (text: string) =>
        text.split('\n').filter((line) => line.includes('sport=7 '));
      await events.until((text) => ofStorm(text).length >= STORM);
      expect(await events.stop()).toBe(3);
      const lines = ofStorm(events.stdout);
      const ids = lines.map((line) => /src=(\S+) .* id=(\d+)/.exec(line)?.slice(1).join(' '));
      expect(lines).toHaveLength(STORM);
      expect(new Set(ids).size).toBe(STORM);
      const [, times, found] =
        /threw news away (\d+) times?: \d+ listings? made up for it, (\d+) new/.exec(
          events.stderr,
        ) ?? [];
      expect(Number(times)).toBeGreaterThan(0);
      expect(Number(found)).toBeGreaterThan(0);
      expect(netns.conntrack('-C').stdout).toBe(`${STORM}\n`);
    },
    PATIENCE_MS,
  );
});
