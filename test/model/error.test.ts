import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { errnoOf, fileError, TraceError } from '../../src/model/error.ts';

function refused(errno: string): NodeJS.ErrnoException {
  return Object.assign(new Error('some words of node'), { code: errno });
}

describe('TraceError', () => {
  it('keeps code, message, hint and cause apart', () => {
    const cause = new Error('deeper');
    const error = new TraceError('kernel', 'found 1, needed 2', { hint: 'try 3', cause });
    expect(error).toMatchObject({
      name: 'TraceError',
      code: 'kernel',
      message: 'found 1, needed 2',
      hint: 'try 3',
      cause,
    });
    expect(error).toBeInstanceOf(Error);
    expect(new TraceError('io', 'm')).not.toHaveProperty('cause');
    expect(new TraceError('io', 'm').hint).toBeUndefined();
  });
});

describe('fileError', () => {
  it.each([
    ['ENOENT', 'missing', 'check the path'],
    ['EACCES', 'permission', 'choose a place you may use, or run as root'],
    ['EPERM', 'io', 'choose a place you may use, or run as root'],
    ['EROFS', 'io', 'choose a place that can be written'],
    ['ENOSPC', 'io', 'free some space, or choose another place'],
    ['EISDIR', 'io', 'name a file'],
    ['ENOTDIR', 'io', 'name a folder'],
    ['EIO', 'io', undefined],
  ])('%s is %s, with what to do', (errno, code, hint) => {
    const cause = refused(errno);
    const error = fileError('open', '/some/place', cause);
    expect(error).toMatchObject({ code, message: `open /some/place: ${errno}`, cause });
    expect(error.hint).toBe(hint);
  });

  it('tells of a real refusal', () => {
    try {
      readFileSync('/no/such/file');
      expect.unreachable();
    } catch (error) {
      expect(errnoOf(error)).toBe('ENOENT');
      expect(fileError('read', '/no/such/file', error).message).toBe('read /no/such/file: ENOENT');
    }
  });

  it('keeps the words of an error without errno, and of what is no error', () => {
    expect(fileError('read', 'x', new Error('odd')).message).toBe('read x: odd');
    expect(fileError('read', 'x', 'odd').message).toBe('read x: odd');
    expect(errnoOf('odd')).toBeUndefined();
  });

  it('passes an error of ours on as it is', () => {
    const error = new TraceError('corrupt', 'found x, needed y');
    expect(fileError('read', 'x', error)).toBe(error);
  });
});
