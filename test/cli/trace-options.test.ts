import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import {
  addTraceOptions,
  refuseLiveOptions,
  sessionOptions,
  type TraceOptions,
} from '../../src/cli/trace-options.ts';

type Parsed = TraceOptions & { from?: string };

function parsed(...words: string[]): Parsed {
  const command = addTraceOptions(new Command().exitOverride().option('--from <file>'));
  command.configureOutput({ writeErr: () => undefined });
  return command.parse(words, { from: 'user' }).opts<Parsed>();
}

describe('options of a trace', () => {
  it('are packets of every flow where conntrack is at work, unless told otherwise', () => {
    expect(sessionOptions(parsed())).toMatchObject({
      detail: 'packets',
      sample: 1,
      everywhere: false,
      backend: undefined,
    });
  });

  it('go to the session as they were given', () => {
    const words = ['--detail', 'visits', '--sample', '1/16', '--backend', 'kprobe', '--everywhere'];
    expect(sessionOptions(parsed(...words))).toMatchObject({
      detail: 'visits',
      sample: 16,
      everywhere: true,
      backend: 'kprobe',
    });
  });

  it.each(['1/1', '1/1000000'])('takes a sample of %s', (text) => {
    expect(parsed('--sample', text).sample).toBe(Number(text.slice(2)));
  });

  it.each(['16', '1/0', '2/3', '1/-4', '1/1.5', '1/1000001', '', '1/'])(
    'refuses a sample of "%s"',
    (text) => {
      expect(() => parsed('--sample', text)).toThrow(
        `sample: found "${text}", needed 1/N with N from 1 to 1000000`,
      );
    },
  );

  it.each([
    ['--detail', 'visit', 'flows, packets, visits'],
    ['--backend', 'ebpf', 'fentry, kprobe'],
  ])('refuses %s %s, and lists what there is', (option, value, choices) => {
    expect(() => parsed(option, value)).toThrow(`Allowed choices are ${choices}.`);
  });
});

describe('a recorded trace', () => {
  it.each([
    [['--detail', 'visits'], 'detail'],
    [['--sample', '1/2'], 'sample'],
    [['--everywhere'], 'everywhere'],
    [['--backend', 'fentry'], 'backend'],
    [['--duration', '5s'], 'duration'],
    [['--buffer', '8MiB'], 'buffer'],
  ])('takes no %j', (words, name) => {
    expect(() => refuseLiveOptions(parsed('--from', 'x', ...words))).toThrow(
      `found --from with --${name}, needed one of them`,
    );
    expect(() => refuseLiveOptions(parsed(...words))).not.toThrow();
  });

  it('names all that were given', () => {
    const words = ['--backend', 'fentry', '--sample', '1/2', '--everywhere'];
    expect(() => refuseLiveOptions(parsed('--from', 'x', ...words))).toThrow(
      'found --from with --everywhere, --backend, --sample, needed one of them',
    );
  });

  it('is read where nothing else was given', () => {
    expect(() => refuseLiveOptions(parsed('--from', 'x'))).not.toThrow();
  });
});
