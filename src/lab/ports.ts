/**
 * The guest's virtio ports as Unix sockets: QEMU connects to each, what the
 * guest writes arrives as a stream, and a reader that is slow makes the guest
 * wait.
 */
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';

export type PortReader = (chunk: Buffer) => void | Promise<void>;

export interface Port {
  /** What QEMU needs to connect. */
  readonly args: readonly string[];
  /** Settles when QEMU has closed its end and the reader has seen everything. */
  readonly drained: Promise<void>;
  /** To the guest, when it is connected; else to nobody. */
  send(text: string): void;
  close(): void;
}

async function pump(connected: Promise<Socket | undefined>, reader: PortReader): Promise<void> {
  const socket = await connected;
  if (!socket) return;
  socket.on('error', () => {}); // QEMU was killed: what came before is all there is
  for await (const chunk of socket) await reader(chunk);
}

export async function openPort(folder: string, name: string, reader: PortReader): Promise<Port> {
  const path = join(folder, `${name}.port`);
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  const connected = new Promise<Socket | undefined>((resolve) => {
    server.once('connection', resolve);
    server.once('close', () => resolve(undefined));
  });
  const drained = pump(connected, reader).catch(() => {}); // an aborted socket ends the loop
  return {
    drained,
    send: (text) => void connected.then((socket) => socket?.write(text)),
    close: () => server.close(),
    args: [
      '-chardev',
      `socket,id=port-${name},path=${path}`,
      '-device',
      `virtserialport,chardev=port-${name},name=${name}`,
    ],
  };
}

/** Calls back for each whole line. */
export function lineReader(onLine: (line: string) => void): PortReader {
  let rest = '';
  return (chunk) => {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  };
}
