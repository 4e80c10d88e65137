import { CommanderError } from 'commander';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Exit, endWith } from '../../src/cli/exit.ts';
import { describeError, exitOf } from '../../src/cli/failure.ts';
import { run } from '../../src/cli/program.ts';
import { TraceError } from '../../src/model/error.ts';

describe('command line', () => {
  let out = '';
  let err = '';
  const exitCode = process.exitCode;

  beforeEach(() => {
    out = '';
    err = '';
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      out += String(text);
      return true;
    });
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
      err += String(text);
      return true;
    });
  });

  afterEach(() => {
    vi.restoreAllMocks();
    process.exitCode = exitCode;
  });

  it('prints its version', async () => {
    expect(await run(['--version'])).toBe(0);
    expect(out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it('refuses an unknown command and suggests one', async () => {
    expect(await run(['docter'])).toBe(2);
    expect(err).toBe("conntrail: unknown command 'docter'\n  try: doctor\n");
  });

  it.each([
    [['help', 'docter'], "conntrail: unknown command 'docter'\n  try: doctor\n"],
    [['help', '--all'], "conntrail: unknown option '--all'\n  try: conntrail --help\n"],
  ])('%j is refused as the bare word is', async (argv, message) => {
    expect(await run(argv)).toBe(2);
    expect(err).toBe(message);
    expect(out).toBe('');
  });

  it.each([['help'], ['help', 'help'], ['help', 'doctor']])('shows help: %j', async (...argv) => {
    expect(await run(argv)).toBe(0);
    expect(out).toContain('Usage: conntrail');
  });

  it('refuses an unknown flag and suggests one', async () => {
    expect(await run(['doctor', '--jsn'])).toBe(2);
    expect(err).toBe("conntrail: unknown option '--jsn'\n  try: --json\n");
  });

  it('refuses arguments nobody asked for', async () => {
    expect(await run(['doctor', 'now'])).toBe(2);
    expect(err).toContain("conntrail: too many arguments for 'doctor'");
  });

  it('shows its help, as an error where no command was given', async () => {
    expect(await run(['--help'])).toBe(0);
    expect(out).toContain('Examples:');
    expect(await run([])).toBe(2);
    expect(err).toContain('Usage: conntrail');
  });
});

describe('failures', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('are one line and what to try', () => {
    const error = new TraceError('missing', 'read x: ENOENT', { hint: 'check the path' });
    expect(describeError(error)).toBe('conntrail: read x: ENOENT\n  try: check the path\n');
    expect(describeError(new TraceError('io', 'write x: EIO'))).toBe('conntrail: write x: EIO\n');
  });

  it('are one line when nobody expected them, and a stack only on demand', () => {
    const error = new TypeError('x is not a function\nmore');
    expect(describeError(error)).toBe(
      'conntrail: unexpected error: x is not a function\n' +
        '  try: CONNTRAIL_DEBUG=1 to see where, and report it with the command line\n',
    );
    vi.stubEnv('CONNTRAIL_DEBUG', '1');
    expect(describeError(error)).toContain('program.test.ts');
    const caused = new TraceError('io', 'outer', { cause: new Error('the inner one') });
    expect(describeError(caused)).toContain('the inner one');
  });

  it('of the system are one line, wherever they come from', () => {
    const refused = (path?: string): Error =>
      Object.assign(new Error('ENOSPC: no space left on device, write'), {
        ...{ code: 'ENOSPC', syscall: 'write', path },
      });
    const hint = '  try: free some space, or choose another place\n';
    expect(describeError(refused('/x'))).toBe(`conntrail: write /x: ENOSPC\n${hint}`);
    expect(describeError(refused())).toBe(`conntrail: write a file: ENOSPC\n${hint}`);
    const coded = Object.assign(new Error('y'), { code: 'ERR_X' });
    expect(describeError(coded)).toContain('unexpected error: y');
  });

  it('end with the status of their kind', () => {
    expect(exitOf(new TraceError('usage', 'x'))).toBe(Exit.usage);
    expect(exitOf(new TraceError('io', 'x'))).toBe(Exit.failed);
    expect(exitOf(new Error('x'))).toBe(Exit.failed);
    expect(exitOf(new CommanderError(1, 'commander.unknownOption', 'x'))).toBe(Exit.usage);
    expect(exitOf(new CommanderError(0, 'commander.version', 'x'))).toBe(Exit.done);
  });

  it('are not hidden by a better status that comes later', () => {
    const before = process.exitCode;
    process.exitCode = 0;
    endWith(Exit.losses);
    endWith(Exit.done);
    expect(process.exitCode).toBe(Exit.losses);
    process.exitCode = before;
  });
});
