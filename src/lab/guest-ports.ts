/**
 * The four ports of a guest: what its command prints, the folder $OUT as a tar,
 * and control, over which the guest tells how far it is and waits for an answer.
 */
import { createWriteStream, type WriteStream } from 'node:fs';
import { lineReader, openPort, type Port, type PortReader } from './ports.ts';

/** What the guest says about itself through its control port. */
export interface GuestState {
  readonly startedAt: number;
  bootMs: number;
  status: number | undefined;
  readonly out: OutFile;
}

interface GuestStreams {
  readonly onStdout?: PortReader;
  readonly onStderr?: PortReader;
}

const ignore = () => {};

/** The folder $OUT as it comes. */
export class OutFile {
  /** Why what came could not be kept: the disk is full. */
  failure: Error | undefined;
  private readonly tar: WriteStream;

  constructor(path: string) {
    this.tar = createWriteStream(path);
    this.tar.on('error', (error) => {
      this.failure = error;
    });
  }

  /** Settles when it is written, or never will be. */
  store(chunk: Buffer): Promise<void> {
    return new Promise((resolve) => this.tar.write(chunk, () => resolve()));
  }
}

const STREAMS = ['stdout', 'stderr', 'out'] as const;
type Stream = (typeof STREAMS)[number];

/** What has been taken of each stream, and what the guest says it sent: it waits for the rest. */
class Arrivals {
  private readonly taken: Record<Stream, number> = { stdout: 0, stderr: 0, out: 0 };
  private sent: Readonly<Record<Stream, number>> | undefined;
  private readonly whenAll: () => void;

  constructor(whenAll: () => void) {
    this.whenAll = whenAll;
  }

  expect([stdout = 0, stderr = 0, out = 0]: readonly number[]): void {
    this.sent = { stdout, stderr, out };
    this.answer();
  }

  /** A reader that fails, as one whose other end is closed, gets no more; the guest goes on. */
  reader(stream: Stream, read: PortReader): PortReader {
    let isOpen = true;
    return async (chunk) => {
      try {
        if (isOpen) await read(chunk);
      } catch {
        isOpen = false;
      }
      this.taken[stream] += chunk.length;
      this.answer();
    };
  }

  private answer(): void {
    const { sent, taken } = this;
    if (sent && STREAMS.every((stream) => taken[stream] >= sent[stream])) this.whenAll();
  }
}

/** `booted`; at the end `exit`, the status, and the bytes of stdout, stderr and out. */
export async function openGuestPorts(
  folder: string,
  streams: GuestStreams,
  state: GuestState,
): Promise<Port[]> {
  const arrivals = new Arrivals(() => control.send('heard\n'));
  const onLine = (line: string) => {
    const [word, ...values] = line.split(' ');
    if (word === 'booted') state.bootMs = Date.now() - state.startedAt;
    if (word !== 'exit') return;
    const [status, ...sent] = values.map(Number);
    state.status = status;
    arrivals.expect(sent);
  };
  const control = await openPort(folder, 'control', lineReader(onLine));
  const { onStdout = ignore, onStderr = ignore } = streams;
  const others = await Promise.all([
    openPort(folder, 'stdout', arrivals.reader('stdout', onStdout)),
    openPort(folder, 'stderr', arrivals.reader('stderr', onStderr)),
    openPort(
      folder,
      'out',
      arrivals.reader('out', (chunk) => state.out.store(chunk)),
    ),
  ]);
  return [control, ...others];
}
