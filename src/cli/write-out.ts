/** Standard output, each write awaited. */
import { isStdoutFile, writeStdoutFile } from '../export/stdout-file.ts';
import { stdoutError } from '../model/error.ts';

/** Resolves when the bytes may be used again. */
export async function writeOut(bytes: Uint8Array | string): Promise<void> {
  if (isStdoutFile()) {
    return writeStdoutFile(typeof bytes === 'string' ? Buffer.from(bytes) : bytes);
  }
  await new Promise<void>((resolve, reject) => {
    process.stdout.write(bytes, (error) => (error ? reject(stdoutError(error)) : resolve()));
  });
}
