/** Boots guests: what `conntrail lab` promises of them, on a real kernel. */
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type GuestRequest, type GuestResult, runGuest } from '../../src/lab/guest.ts';
import type { HookCounts } from '../../src/lab/hook-counts.ts';
import { LAB_KERNELS } from '../../src/lab/kernels.ts';
import { PACKAGE_ROOT } from '../../src/lab/place.ts';
import { openScenario, scenarioPath } from '../../src/lab/scenario-file.ts';

interface Run extends GuestResult {
  readonly stdout: string;
  readonly stderr: string;
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lab-test-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function boot(request: GuestRequest): Promise<Run> {
  const texts = { stdout: '', stderr: '' };
  const result = await runGuest({
    timeoutSec: 180,
    ...request,
    onStdout: (chunk) => {
      texts.stdout += chunk.toString();
    },
    onStderr: (chunk) => {
      texts.stderr += chunk.toString();
    },
  });
  return { ...result, ...texts };
}

/** Our own leftovers, not those of others who use the lab at the same time. */
async function leftovers(): Promise<string[]> {
  const names = await readdir('/proc');
  const pids = names.filter((name) => /^\d+$/.test(name));
  const parents = await Promise.all(
    pids.map(async (pid) => {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
      const [, name = '', parent] = /\((.*)\) \S (\d+)/.exec(stat) ?? [];
      return Number(parent) === process.pid ? name : '';
    }),
  );
  return parents.filter((name) => /qemu|virtiofsd|flock/.test(name));
}

describe('one command', () => {
  const words = ['two words', `it's "quoted"`, 'line\nbreak', '$HOME `id` \\n', '', '--', '*'];
  const script = `
    printf '%s\\0' "$@"
    echo "to stderr" >&2; echo "again" > /dev/stderr
    mkdir "$OUT/sub"; uname -r > "$OUT/sub/release"
    printf '%s|' "$HOME" "$PWD" "$(hostname)" "$(cat /sys/class/net/lo/operstate)" > "$OUT/place"
    command -v conntrail > "$OUT/conntrail"
    awk '{ print $2 }' /proc/mounts > "$OUT/mounts"
    touch /etc/only-in-the-guest
    echo '<4>WARNING: made up for a test' > /dev/kmsg
    sleep 100 &
    exit 37`;
  let run: Run;
  let outDir: string;
  beforeAll(async () => {
    outDir = join(folder, 'out');
    run = await boot({ command: ['sh', '-c', script, 'sh', ...words], outDir });
  });
  const brought = (name: string) => readFile(join(outDir, name), 'utf8');

  it('returns its exit status', () => expect(run.status).toBe(37));
  it('gives it exactly its arguments', () => {
    expect(run.stdout.split('\0').slice(0, -1)).toEqual(words);
  });
  it('keeps standard error apart', () => expect(run.stderr).toBe('to stderr\nagain\n'));
  it('brings back $OUT', async () => {
    expect(await brought('sub/release')).toBe(`${run.release}\n`);
    expect(run.release).toMatch(/^6\.1\./);
  });
  it('starts it at home, with the loopback up', async () => {
    expect(await brought('place')).toMatch(
      new RegExp(`^/root\\|${PACKAGE_ROOT}\\|lab\\|(unknown|up)`),
    );
    expect(await brought('conntrail')).toBe('/run/lab/bin/conntrail\n');
  });
  it('has what tracing needs mounted', async () => {
    const mounts = (await brought('mounts')).split('\n');
    const needed = ['/sys/kernel/tracing', '/sys/kernel/debug', '/sys/fs/bpf', '/sys/fs/cgroup'];
    expect(mounts).toEqual(expect.arrayContaining([...needed, '/dev/pts', '/dev/shm', '/run']));
  });
  it('leaves this machine as it was', async () => {
    expect(existsSync('/etc/only-in-the-guest')).toBe(false);
    expect(await leftovers()).toEqual([]);
  });
  it('passes on what the kernel warned of, and keeps the console', async () => {
    expect(run.kernelWarnings).toEqual(['WARNING: made up for a test']);
    expect(await readFile(run.consolePath ?? '', 'utf8')).toContain('made up for a test');
  });
});

describe('a guest without a status', () => {
  const failing = (request: GuestRequest) => boot({ ...request, outDir: join(folder, 'failed') });

  it('says that the time was over, and where the console is', async () => {
    const path = join(folder, 'failed', `conntrail-lab-console-${process.pid}.log`);
    await expect(failing({ command: ['sleep', '100'], timeoutSec: 12 })).rejects.toMatchObject({
      message: `the guest did not finish within 12 s; its console is in ${path}`,
      hint: '--timeout 24s',
    });
    expect(existsSync(path)).toBe(true);
    expect(await leftovers()).toEqual([]);
  });
  it('says that the kernel panicked', async () => {
    const command = ['sh', '-c', 'echo c > /proc/sysrq-trigger; sleep 20'];
    await expect(failing({ command })).rejects.toThrow(
      /^the guest's kernel panicked: not syncing: sysrq triggered crash; its console is in /,
    );
  });
  it('says that it was interrupted, and leaves nothing', async () => {
    const signal = AbortSignal.timeout(2_000);
    await expect(failing({ command: ['sleep', '100'], signal })).rejects.toThrow(
      'interrupted, the guest was ended',
    );
    expect(await leftovers()).toEqual([]);
  });
});

it.each(LAB_KERNELS.map(({ name }) => name))('boots kernel %s', async (kernel) => {
  const run = await boot({ kernel, command: ['uname', '-r'] });
  expect(run.stdout).toBe(`${run.release}\n`);
  expect(run.release.startsWith(`${kernel}.`)).toBe(true);
});

/** Plays a scenario in the guest without a tracer and prints what the kernel counted. */
const PLAY = `
const [at, name] = process.argv.slice(-2);
const use = (file) => import(at + '/dist/lab/' + file + '.js');
const { openScenario, scenarioPath } = await use('scenario-file');
const { playScenario } = await use('play');
const { readHookCounts } = await use('hook-counts');
const counters = {};
let hooks;
const stop = async (net) => {
  for (const namespace of Object.keys(net.namespaces)) {
    const text = await net.need(namespace, ['nft', '-j', 'list', 'ruleset']);
    for (const { rule } of JSON.parse(text).nftables) {
      const found = rule?.expr.find((expression) => expression.counter);
      if (found && rule.table !== 'lab_count') counters[rule.comment] = found.counter.packets;
    }
  }
  hooks = await readHookCounts(net, Object.keys(net.namespaces).at(name === 'loopback' ? 0 : 1));
};
const start = async () => {};
const scenario = await openScenario(await scenarioPath(name));
const { steps } = await playScenario(scenario, { start, stop }, () => {});
const { readdirSync } = await import('node:fs');
console.log(JSON.stringify({ counters, hooks, steps, left: readdirSync('/run/netns') }));
`;

interface Played {
  readonly counters: Record<string, number>;
  readonly hooks: HookCounts;
  readonly left: string[];
}

async function play(name: string): Promise<Played> {
  const command = ['node', '--input-type=module', '-e', PLAY, '--', PACKAGE_ROOT, name];
  const run = await boot({ command });
  expect(run.stderr).toBe('');
  return JSON.parse(run.stdout) as Played;
}

it('moves exactly the counters that dnat-masquerade says', async () => {
  const { expect: expected } = await openScenario(await scenarioPath('dnat-masquerade'));
  const played = await play('dnat-masquerade');
  expect(played.counters).toEqual(expected.counters);
  expect(played.hooks.forward.early).toMatchObject(expected.forwarded as object);
  expect(played.hooks.forward.late).toEqual(played.hooks.forward.early);
  expect(played.hooks.input.early).toEqual(played.hooks.output.early);
  expect(played.left).toEqual([]);
});

it('sends exactly a hundred thousand packets in the flood', async () => {
  const played = await play('flood');
  expect(played.hooks.prerouting.early['ipv4 udp']).toBe(100_000);
  expect(played.counters.out).toBe(2);
});
