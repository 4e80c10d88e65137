import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { quoteCommand } from '../../src/lab/quote.ts';

it('gives a shell exactly the words it was given', () => {
  const words = ['a b', `it's "so"`, 'line\nbreak', '$HOME `id` \\', '', '-n', 'ü*?', '#x'];
  const script = `for word in ${quoteCommand(words)}; do printf '%s\\0' "$word"; done`;
  const printed = execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8' });
  expect(printed.split('\0').slice(0, -1)).toEqual(words);
});

it('leaves plain words as they are', () => {
  expect(quoteCommand(['nft', '-j', '/run/x=1'])).toBe('nft -j /run/x=1');
});

it('refuses a NUL byte', () => {
  expect(() => quoteCommand(['a\0b'])).toThrow(
    'an argument holds a NUL byte, no program can be given one',
  );
});
