/**
 * The four ports of a guest: what its command prints, the folder $OUT as a tar,
 * and control, over which the guest tells how far it is and waits for an answer.
 */
import { createWriteStream, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import { lineReader, openPort, type Port, type PortReader } from './ports.ts';

/** What the guest says about itself through its control port. */
export interface GuestState {
  readonly startedAt: number;
  bootMs: number;
  status: number | undefined;
}

interface GuestStreams {
  readonly onStdout?: PortReader;
  readonly onStderr?: PortReader;
}

const ignore = () => {};

/** The folder $OUT as it comes; the guest waits until all that it says it sent is here. */
class OutFile {
  private readonly tar: WriteStream;
  private readonly whenTaken: () => void;
  private taken = 0;
  private brought = Number.POSITIVE_INFINITY;

  constructor(path: string, whenTaken: () => void) {
    this.tar = createWriteStream(path);
    this.whenTaken = whenTaken;
  }

  async store(chunk: Buffer): Promise<void> {
    await new Promise<void>((resolve, reject) =>
      this.tar.write(chunk, (error) => (error ? reject(error) : resolve())),
    );
    this.taken += chunk.length;
    if (this.taken >= this.brought) this.whenTaken();
  }

  expect(brought: number): void {
    this.brought = brought;
    if (this.taken >= brought) this.whenTaken();
  }
}

export async function openGuestPorts(
  folder: string,
  streams: GuestStreams,
  state: GuestState,
): Promise<Port[]> {
  const heard = () => control.send('heard\n');
  const out = new OutFile(join(folder, 'out.tar'), heard);
  const onLine = (line: string) => {
    const [word = '', value] = line.split(' ');
    if (word === 'booted') state.bootMs = Date.now() - state.startedAt;
    if (word === 'brought') out.expect(Number(value));
    if (word !== 'exit') return;
    state.status = Number(value);
    heard();
  };
  const control = await openPort(folder, 'control', lineReader(onLine));
  const others = await Promise.all([
    openPort(folder, 'stdout', streams.onStdout ?? ignore),
    openPort(folder, 'stderr', streams.onStderr ?? ignore),
    openPort(folder, 'out', (chunk) => out.store(chunk)),
  ]);
  return [control, ...others];
}
