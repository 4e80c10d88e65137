/** What went wrong, as a program may tell it apart. */
export type ErrorCode =
  | 'usage' // the command line asks for something that does not exist
  | 'permission' // the kernel or the file system refuses this user
  | 'unsupported' // this kernel or machine has not what is needed
  | 'missing' // a file, tool, library or module is not there
  | 'corrupt' // bytes that are not what they claim to be
  | 'io' // reading or writing failed
  | 'kernel' // an operation of the kernel's failed otherwise
  | 'failed'; // anything else

/**
 * The one error that users meet. The message says what was found and what was
 * needed: lower case, no full stop, both values. The hint is the flag or
 * command to try. `cli/` alone prints it.
 */
export class TraceError extends Error {
  override readonly name = 'TraceError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }
}

/** The errno name of a Node error ("ENOSPC"), or undefined; the code of ours is none. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || error instanceof TraceError) return undefined;
  return (error as NodeJS.ErrnoException).code;
}

const FILE_HINTS: Readonly<Record<string, string>> = {
  ENOENT: 'check the path',
  EACCES: 'choose a place you may use, or run as root',
  EPERM: 'choose a place you may use, or run as root',
  EROFS: 'choose a place that can be written',
  ENOSPC: 'free some space, or choose another place',
  EDQUOT: 'free some space, or choose another place',
  EISDIR: 'name a file',
  ENOTDIR: 'name a folder',
};

/** A refusal of the file system as one line: operation, path and errno name. */
export function fileError(operation: string, path: string, error: unknown): TraceError {
  if (error instanceof TraceError) return error;
  const errno = errnoOf(error);
  const hint = errno === undefined ? undefined : FILE_HINTS[errno];
  const code = errno === 'ENOENT' ? 'missing' : errno === 'EACCES' ? 'permission' : 'io';
  const found = errno ?? messageOf(error);
  return new TraceError(code, `${operation} ${path}: ${found}`, {
    ...(hint === undefined ? {} : { hint }),
    cause: error,
  });
}

/** Where standard output goes is the caller's: a full disk, a closed pipe. */
export function stdoutError(error: unknown): TraceError {
  return fileError('write', 'standard output', error);
}

/** What was thrown, in words. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
