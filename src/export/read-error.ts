import { errnoOf, fileError, messageOf, TraceError } from '../model/error.ts';

/** What a decoder threw about these bytes, as one line. */
export function corruptError(path: string, error: unknown): TraceError {
  if (error instanceof TraceError) {
    const { hint, code } = error;
    const message = error.message.startsWith(path) ? error.message : `${path}: ${error.message}`;
    return new TraceError(code, message, { ...(hint === undefined ? {} : { hint }), cause: error });
  }
  if (errnoOf(error) !== undefined) return fileError('read', path, error);
  const said = messageOf(error);
  const [line = ''] = said.split('\n');
  return new TraceError('corrupt', `${path}: ${line.slice(0, 200)}`, {
    hint: 'the file is damaged, or not one of conntrail',
    cause: error,
  });
}
