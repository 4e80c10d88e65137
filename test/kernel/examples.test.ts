import { beforeAll, describe, expect, it } from 'vitest';
import { conntrail, examplesIn } from '../policy/conntrail.ts';

/** In this order: what one writes, the next reads. */
const COMMANDS = ['record', 'export', 'watch', 'explain', 'doctor'];
/** Without KVM each start of the program takes seconds, and other guests may run beside. */
const GUEST_MINUTES = 40;
const GUEST_MS = (GUEST_MINUTES + 1) * 60_000;

const RULES = `table ip nat {
  chain output { type nat hook output priority -100; tcp dport 8080 counter redirect to :80; }
}`;

/** Each example in a shell of its own, with some traffic beside; marked with its status. */
function script(examples: readonly string[]): string {
  const run = examples.map((example) => {
    const quoted = example.replaceAll("'", `'\\''`);
    return `printf '== %s\\n' '${quoted}'; (${example}) 2>&1; echo "== status $?"`;
  });
  const traffic = 'while :; do ping -c 1 -W 1 127.0.0.1; sleep 0.2; done >/dev/null 2>&1 &';
  return [`nft '${RULES}'`, 'cd /tmp', traffic, ...run, 'kill $!'].join('\n');
}

describe('help examples on a real kernel', () => {
  const examples = COMMANDS.flatMap((name) => examplesIn(conntrail([name, '--help']).stdout));
  const outputs = new Map<string, { status: number; text: string }>();

  beforeAll(() => {
    const guest = conntrail(
      ['lab', '--timeout', `${GUEST_MINUTES}m`, '--', 'sh', '-c', script(examples)],
      [],
      GUEST_MS,
    );
    for (const part of guest.stdout.split(/^== (?=conntrail )/m).slice(1)) {
      const [example = '', ...lines] = part.split('\n');
      const status = /^== status (\d+)$/m.exec(part)?.[1];
      outputs.set(example, { status: Number(status), text: lines.join('\n') });
    }
    if (outputs.size === 0) throw new Error(`the guest said nothing: ${guest.stderr}`);
  }, GUEST_MS);

  it.each(examples)('%s', (example) => {
    const { status, text } = outputs.get(example) ?? { status: -1, text: 'never ran' };
    expect(text).not.toMatch(/unexpected error|^\s+at /m);
    expect(status, text).toBe(0);
  });

  it('finds the guest fit for a trace', () => {
    expect(outputs.get('conntrail doctor')?.text).toMatch(/^a trace is possible here/m);
  });
});
