/** News of expectations, held against conntrack -E expect. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EXPECTED, insertMasters, timelessExpectations } from './expected.ts';
import { ROOT } from './sources.ts';
import { cannotRun, TestNetns } from './table-netns.ts';

const PATIENCE_MS = 60_000;
/** Expectations that are made until somebody tells of one. */
const MOST_TURNS = 40;
const FIRST = EXPECTED[0]!;
let netns: TestNetns;
const running: Follower[] = [];

beforeAll(() => {
  if (cannotRun !== undefined) return;
  netns = new TestNetns();
  netns.run('sysctl', ['-qw', 'net.netfilter.nf_conntrack_events=1']); // of what is made while nobody listens too
});
beforeEach((context) => {
  if (cannotRun !== undefined) context.skip(cannotRun);
  netns.conntrack('-F');
});
afterAll(() => {
  for (const one of running) one.child.kill('SIGKILL');
  if (cannotRun === undefined) netns.remove();
});

const words = (text: string): string[] => text.split(' ');

/** A program that follows, and what it has written so far. */
class Follower {
  stdout = '';
  stderr = '';
  readonly child: ChildProcess;
  private readonly ended: Promise<unknown[]>;

  constructor(file: string, args: readonly string[]) {
    this.child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout!.on('data', (bytes: Buffer) => {
      this.stdout += bytes;
    });
    this.child.stderr!.on('data', (bytes: Buffer) => {
      this.stderr += bytes;
    });
    this.ended = once(this.child, 'close');
    running.push(this);
  }

  /** `table events expect ARGS` */
  static ours(args: string): Follower {
    const main = `${ROOT}dist/cli/main.js`;
    const command = [main, 'table', 'events', 'expect', '--netns', netns.name, ...words(args)];
    return new Follower(process.execPath, command);
  }

  /** `conntrack -E expect ARGS` */
  static theirs(args: string): Follower {
    const command = ['netns', 'exec', netns.name, 'stdbuf', '-oL', 'conntrack', '-E', 'expect'];
    return new Follower('ip', [...command, ...words(args)]);
  }

  /** What it writes next; of a program that has ended nothing comes. */
  async more(): Promise<void> {
    await Promise.race([once(this.child.stdout!, 'data'), this.ended]);
    const { exitCode } = this.child;
    if (exitCode !== null) throw new Error(`ended with ${exitCode}: ${this.stderr}`);
  }

  async stop(): Promise<number> {
    this.child.kill('SIGTERM');
    const [status] = await this.ended;
    return status as number;
  }
}

/** Masters first: the kernel tells of expectations whose master was made while somebody listened. */
async function untilBegun(...followers: readonly Follower[]): Promise<void> {
  for (let turn = 0; followers.some(({ stdout }) => !stdout.includes('proto')); turn++) {
    expect(turn, followers.map(({ stderr }) => stderr).join()).toBeLessThan(MOST_TURNS);
    netns.conntrack('-F');
    insertMasters(netns, [FIRST]);
    netns.conntrack('-I', 'expect', ...words(`${FIRST.master} ${FIRST.tuple}`));
    await new Promise(setImmediate);
  }
  netns.conntrack('-F', 'expect');
}

async function until(isThere: (follower: Follower) => boolean, all: readonly Follower[]) {
  for (const one of all) while (!isThere(one)) await one.more();
}

/** Of an expectation whose destination is that. */
const ofLast = (text: string, last: string): string[] =>
  timelessExpectations(text).filter((line) => line.includes(last));

describe('table events expect', () => {
  it.each(['-o timestamp', '-o xml'])(
    'tells new and destroyed expectations as conntrack -E expect %s does',
    async (form) => {
      const both = [Follower.ours(form), Follower.theirs(form)] as const;
      await untilBegun(...both);
      insertMasters(netns, EXPECTED.slice(1));
      for (const { master, tuple } of EXPECTED.slice(1)) {
        expect(netns.conntrack('-I', 'expect', ...words(`${master} ${tuple}`)).stderr).toBe('');
      }
      netns.conntrack('-F', 'expect');
      const isLast = ({ stdout }: Follower) => /(DESTROY|destroy).*fd03::7/.test(stdout);
      await until(isLast, both);
      expect(await both[0].stop()).toBe(0);
      await both[1].stop();
      for (const last of ['10.3.0.2', '10.3.0.3', '10.3.0.4', '10.3.0.5', 'fd03::6', 'fd03::7']) {
        const wanted = ofLast(both[1].stdout, last);
        expect(ofLast(both[0].stdout, last)).toEqual(wanted);
        expect(wanted).toHaveLength(2);
      }
      expect(both[0].stderr).toMatch(/^complete: \d+ new, 0 changed, \d+ destroyed, none thrown/m);
    },
    PATIENCE_MS,
  );

  it(
    'tells only what was asked for, and ends by itself',
    async () => {
      const all = Follower.ours('-o id');
      await untilBegun(all);
      const some = Follower.ours('-e DESTROY -f ipv6 --count 1');
      const last = EXPECTED.slice(-2);
      for (let turn = 0; some.child.exitCode === null; turn++) {
        expect(turn, some.stderr).toBeLessThan(MOST_TURNS);
        netns.conntrack('-F');
        insertMasters(netns, [FIRST, ...last]);
        for (const { master, tuple } of [FIRST, ...last]) {
          netns.conntrack('-I', 'expect', ...words(`${master} ${tuple}`));
        }
        netns.conntrack('-F', 'expect');
        await new Promise(setImmediate);
      }
      expect(some.child.exitCode).toBe(0);
      expect(some.stdout).toMatch(/^\[DESTROY\] \d+ proto=\d+ src=fd02::[67] [^\n]*\n$/);
      expect(await all.stop()).toBe(0);
    },
    PATIENCE_MS,
  );
});
