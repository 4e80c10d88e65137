/** A refusal of libbpf's or the kernel's as one line: operation, errno name, what the verifier said. */
import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';
import { type ErrorCode, TraceError } from '../model/error.ts';
import { lastErrno } from './native.ts';
import { clearLog, readLog } from './shim.ts';

/** enum libbpf_errno, and what Node does not know of Linux. */
const OWN_NAMES: ReadonlyMap<number, readonly [name: string, text: string]> = new Map([
  [77, ['EBADFD', 'no such descriptor']],
  [524, ['ENOTSUPP', 'not supported by this kernel']],
  [4000, ['LIBBPF_ERRNO__LIBELF', 'not an ELF object']],
  [4001, ['LIBBPF_ERRNO__FORMAT', 'not an eBPF object']],
  [4002, ['LIBBPF_ERRNO__KVERSION', 'wrong kernel version in the object']],
  [4003, ['LIBBPF_ERRNO__ENDIAN', 'object of the other byte order']],
  [4004, ['LIBBPF_ERRNO__INTERNAL', 'internal error of libbpf']],
  [4005, ['LIBBPF_ERRNO__RELOC', 'relocation failed']],
  [4006, ['LIBBPF_ERRNO__LOAD', 'load refused']],
  [4007, ['LIBBPF_ERRNO__VERIFY', 'refused by the verifier']],
  [4008, ['LIBBPF_ERRNO__PROG2BIG', 'program too big']],
  [4009, ['LIBBPF_ERRNO__KVER', 'wrong kernel version']],
  [4010, ['LIBBPF_ERRNO__PROGTYPE', 'kernel does not know this program type']],
]);

const NAMES = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]));

const CODES: Readonly<Record<string, ErrorCode>> = {
  EPERM: 'permission',
  ENOENT: 'missing',
  ESRCH: 'missing',
  ENOTSUPP: 'unsupported',
  EOPNOTSUPP: 'unsupported',
  ENOSYS: 'unsupported',
  LIBBPF_ERRNO__LIBELF: 'corrupt',
  LIBBPF_ERRNO__FORMAT: 'corrupt',
  LIBBPF_ERRNO__ENDIAN: 'corrupt',
};

const PRIVILEGES = 'run as root, or with CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN';
const HINTS: Readonly<Record<string, string>> = {
  EPERM: PRIVILEGES,
  EACCES: PRIVILEGES,
  ENOMEM: 'ask for smaller buffers, or raise the memory limit of this service',
  EMFILE: 'raise the limit of open files: ulimit -n',
  ENOTSUPP: 'boot a newer kernel',
  EBUSY: 'another tracer holds it: conntrail doctor says what is attached',
};

export function errnoName(errno: number): string {
  return OWN_NAMES.get(errno)?.[0] ?? NAMES.get(errno) ?? `errno ${errno}`;
}

function describeErrno(errno: number): string {
  const text = OWN_NAMES.get(errno)?.[1] ?? getSystemErrorMap().get(-errno)?.[1];
  return text === undefined ? errnoName(errno) : `${errnoName(errno)} (${text})`;
}

/** A better hint than the errno alone allows, where the operation knows one. */
export type HintFor = (errnoName: string) => string | undefined;

/** `log` is what libbpf said during the operation. */
export function failure(operation: string, errno: number, hintFor?: HintFor, log = ''): TraceError {
  const verdict = verifierTail(log);
  const name = errnoName(errno);
  const advice = verdict === undefined ? (hintFor?.(name) ?? HINTS[name]) : undefined;
  const code = verdict === undefined ? (CODES[name] ?? 'kernel') : 'unsupported';
  const said = verdict ?? (name === 'EINVAL' ? lastLine(log) : undefined);
  const message = `${operation}: ${describeErrno(errno)}${said === undefined ? '' : `: ${said}`}`;
  return new TraceError(code, message, {
    ...(advice === undefined ? {} : { hint: advice }),
    ...(log === '' ? {} : { cause: new Error(log) }),
  });
}

/** For functions that return -errno. The log tells of this call only. */
export function check(operation: string, call: () => number, hintFor?: HintFor): number {
  clearLog();
  const result = call();
  if (result < 0) throw failure(operation, -result, hintFor, readLog().trim());
  return result;
}

/** For functions that return NULL and set errno. */
export function checkPointer<T extends number | string>(
  operation: string,
  call: () => T,
  hintFor?: HintFor,
): T {
  clearLog();
  const result = call();
  if (Number(result) !== 0) return result;
  const errno = lastErrno(); // before the log is read
  throw failure(operation, errno, hintFor, readLog().trim());
}

/** The program's name and the verifier's last two lines, its counts left out. */
export function verifierTail(log: string): string | undefined {
  const end = log.lastIndexOf('-- END PROG LOAD LOG --');
  if (end < 0) return undefined;
  const begin = log.lastIndexOf(BEGIN, end); // -1: a long log, its start was dropped
  const body = log.slice(begin < 0 ? 0 : begin + BEGIN.length, end).split('\n');
  const lines = body.map((line) => line.trim());
  const tail = lines
    .filter((line) => line !== '' && !COUNTS.test(line))
    .slice(-2)
    .join('; ');
  const program = /prog '([^']+)': $/.exec(log.slice(0, Math.max(begin, 0)))?.[1];
  return program === undefined ? tail : `program ${program}: ${tail}`;
}

const BEGIN = '-- BEGIN PROG LOAD LOG --';
const COUNTS = /^(processed|verification time|stack depth) /;

function lastLine(log: string): string | undefined {
  const line = log
    .split('\n')
    .at(-1)
    ?.replace(/^libbpf: /, '');
  return line === '' ? undefined : line;
}
