import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type GuestState, OutFile, openGuestPorts } from '../../src/lab/guest-ports.ts';
import type { Port, PortReader } from '../../src/lab/ports.ts';

/** What QEMU would connect, by name. */
type Ends = Readonly<Record<'control' | 'stdout' | 'stderr' | 'out', Socket>>;

let folder: string;
let state: GuestState;
let ports: Port[] = [];
let ends: Ends;
let heard = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guest-ports-'));
  state = {
    startedAt: Date.now(),
    bootMs: -1,
    status: undefined,
    out: new OutFile(join(folder, 'tar')),
  };
});

afterEach(async () => {
  for (const end of Object.values(ends)) end.destroy();
  for (const port of ports) port.close();
  await rm(folder, { recursive: true });
});

async function open(onStdout?: PortReader): Promise<void> {
  ports = await openGuestPorts(folder, onStdout ? { onStdout } : {}, state);
  const end = (name: string) => connect(join(folder, `${name}.port`));
  ends = {
    control: end('control'),
    stdout: end('stdout'),
    stderr: end('stderr'),
    out: end('out'),
  };
  heard = '';
  ends.control.on('data', (chunk: Buffer) => {
    heard += chunk.toString();
  });
}

const isHeard = () => vi.waitFor(() => expect(heard).toBe('heard\n'));

/** As much time as an answer would take that must not come: a round trip on another port. */
async function roundTrip(): Promise<void> {
  ends.control.write('booted\n');
  await vi.waitFor(() => expect(state.bootMs).toBeGreaterThanOrEqual(0));
}

it('answers when all has been taken that the guest says it sent', async () => {
  await open();
  ends.control.write('exit 7 0 3 5\n');
  ends.stderr.write('abc');
  ends.out.write('tar');
  await vi.waitFor(() => expect(state.status).toBe(7));
  await roundTrip();
  expect(heard).toBe('');
  ends.out.write('!!');
  await isHeard();
  expect(await readFile(join(folder, 'tar'), 'utf8')).toBe('tar!!');
});

it('answers at once where it has all already, or nothing was sent', async () => {
  await open();
  ends.control.write('exit 0 0 0 0\n');
  await isHeard();
  expect(state.status).toBe(0);
});

it('waits for a reader that is slow', async () => {
  let goOn = () => {};
  const slow = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  await open(() => slow);
  ends.stdout.write('much');
  ends.control.write('exit 0 4 0 0\n');
  await vi.waitFor(() => expect(state.status).toBe(0));
  await roundTrip();
  expect(heard).toBe('');
  goOn();
  await isHeard();
});

it('goes on without a reader that has gone', async () => {
  const read = vi.fn(() => {
    throw new Error('EPIPE');
  });
  await open(read);
  ends.stdout.write('first');
  await vi.waitFor(() => expect(read).toHaveBeenCalledTimes(1));
  ends.stdout.write('more');
  ends.control.write('exit 0 9 0 0\n');
  await isHeard();
  expect(read).toHaveBeenCalledTimes(1);
});

it('keeps why the folder could not be stored, and lets the guest end', async () => {
  state = { ...state, out: new OutFile('/dev/full') };
  await open();
  ends.out.write('tar');
  ends.control.write('exit 0 0 0 3\n');
  await isHeard();
  await vi.waitFor(() => expect(state.out.failure).toMatchObject({ code: 'ENOSPC' }));
});
