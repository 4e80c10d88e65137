import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { conntrail, examplesIn } from '../policy/conntrail.ts';
import { ROOT } from '../policy/sources.ts';

/** In this order: what one writes, the next reads. */
const COMMANDS = ['record', 'export', 'watch', 'explain', 'doctor'];
/** Without KVM each start of the program takes seconds, and other guests may run beside. */
const GUEST_MINUTES = 40;
const GUEST_MS = (GUEST_MINUTES + 1) * 60_000;

const RULES = `table ip nat {
  chain output { type nat hook output priority -100; tcp dport 8080 counter redirect to :80; }
}`;

/** Needs no kernel that can be traced: runs here, on what the others have left. */
const isOffline = (example: string) => /^conntrail (export|.* --from) /.test(example);

/** Each example in a shell of its own, with some traffic beside; marked with its status. */
function script(examples: readonly string[]): string {
  const run = examples.map((example) => {
    const quoted = example.replaceAll("'", `'\\''`);
    return `printf '== %s\\n' '${quoted}'; (${example}) 2>&1; echo "== status $?"`;
  });
  return run.join('\n');
}

/** Those that record beside the others: most of the time is the program's start. */
function scriptOfAll(examples: readonly string[]): string {
  const recording = examples.filter((example) => example.startsWith('conntrail record'));
  const others = examples.filter((example) => !recording.includes(example));
  return `nft '${RULES}'
cd $OUT
ping -i 0.5 127.0.0.1 >/dev/null 2>&1 & traffic=$!
( ${script(recording)}
) > /tmp/recording & recording=$!
( ${script(others)}
) > /tmp/others
wait $recording
kill $traffic
cat /tmp/recording /tmp/others`;
}

function runHere(example: string, cwd: string) {
  const program = `conntrail() { '${process.execPath}' '${ROOT}dist/cli/main.js' "$@"; }`;
  const { status, stdout, stderr } = spawnSync('sh', ['-c', `${program}\n${example}`], {
    cwd,
    encoding: 'utf8',
  });
  return { status: status ?? -1, text: stdout + stderr };
}

describe('help examples on a real kernel', () => {
  const examples = COMMANDS.flatMap((name) => examplesIn(conntrail([name, '--help']).stdout));
  const outputs = new Map<string, { status: number; text: string }>();

  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'conntrail-examples-'));
    const live = scriptOfAll(examples.filter((example) => !isOffline(example)));
    const guest = conntrail(
      ['lab', '--timeout', `${GUEST_MINUTES}m`, '--out', folder, '--', 'sh', '-c', live],
      [],
      GUEST_MS,
    );
    for (const part of guest.stdout.split(/^== (?=conntrail )/m).slice(1)) {
      const [example = '', ...lines] = part.split('\n');
      const status = /^== status (\d+)$/m.exec(part)?.[1];
      outputs.set(example, { status: Number(status), text: lines.join('\n') });
    }
    if (outputs.size === 0) throw new Error(`the guest said nothing: ${guest.stderr}`);
    for (const example of examples.filter(isOffline))
      outputs.set(example, runHere(example, folder));
  }, GUEST_MS);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each(examples)('%s', (example) => {
    const { status, text } = outputs.get(example) ?? { status: -1, text: 'never ran' };
    expect(text).not.toMatch(/unexpected error|^\s+at /m);
    expect(status, text).toBe(0);
  });

  it('finds the guest fit for a trace', () => {
    expect(outputs.get('conntrail doctor')?.text).toMatch(/^a trace is possible here/m);
  });
});
