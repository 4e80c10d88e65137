import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { withLock } from '../../src/lab/cache.ts';
import { describeEnd, guestError, kernelWarnings } from '../../src/lab/console.ts';
import { encodeCpio, file } from '../../src/lab/cpio.ts';
import { settingsText } from '../../src/lab/initrd.ts';
import { lineReader } from '../../src/lab/ports.ts';
import { needTool } from '../../src/lab/tool.ts';
import { bzImagePayload } from '../../src/lab/unpack.ts';

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'lab-test-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

it('writes an archive that cpio reads', async () => {
  await inFolder(async (folder) => {
    const input = encodeCpio([file('name', 'text\n'), file('b', 'odd')]);
    expect(input.length % 4).toBe(0);
    expect(await needTool(['cpio', '-t', '--quiet'], { input })).toBe('name\nb\n');
    await needTool(['cpio', '-i', '--quiet'], { input, cwd: folder });
    expect(await readFile(join(folder, 'name'), 'utf8')).toBe('text\n');
  });
});

it('finds the packed kernel by the fields of a bzImage', () => {
  const image = Buffer.alloc(4096);
  image[0x1f1] = 3;
  image.writeUInt32LE(100, 0x248);
  image.writeUInt32LE(14, 0x24c);
  image.write('0123456789', 4 * 512 + 100);
  expect(bzImagePayload(image).toString()).toBe('0123456789');
});

it('reads lines that come in pieces', () => {
  const lines: string[] = [];
  const read = lineReader((line) => lines.push(line));
  for (const piece of ['boo', 'ted\nex', 'it 3\n']) read(Buffer.from(piece));
  expect(lines).toEqual(['booted', 'exit 3']);
});

it('writes settings that a shell reads back', async () => {
  const text = settingsText({
    mode: 'command',
    share: '9p',
    bring: 'no',
    directory: "/it's here",
    shell: '/bin/sh',
    terminal: 'dumb',
    rows: '24',
    columns: '80',
  });
  const script = `${text}printf %s "$directory|$share|$columns"`;
  expect(await needTool(['sh', '-c', script])).toBe("/it's here|9p|80");
});

it('tells a panic, a refusal of our own and silence apart', () => {
  const panic = '[    1.5] Kernel panic - not syncing: VFS: no root';
  expect(describeEnd(`x\n${panic}\n`)).toBe(
    "the guest's kernel panicked: not syncing: VFS: no root",
  );
  expect(describeEnd('lab: the modules do not mount\n')).toBe(
    'the guest did not start: the modules do not mount',
  );
  expect(describeEnd('')).toBe('the guest ended without a status');
});

it('collects the lines in which the kernel warns', () => {
  const text = '[ 1.0] eth0: up\n[    2.000000] WARNING: CPU: 1 PID: 7 at net/x.c:9\nBUG: soft\n';
  expect(kernelWarnings(text)).toEqual(['WARNING: CPU: 1 PID: 7 at net/x.c:9', 'BUG: soft']);
});

it('names the file that keeps the console of a guest out of time', async () => {
  await inFolder(async (folder) => {
    const end = { stopped: 'time', code: 1, complaint: '' } as const;
    const error = await guestError(end, 'last line', 7, folder);
    const path = join(folder, `conntrail-lab-console-${process.pid}.log`);
    expect(error.message).toBe(`the guest did not finish within 7 s; its console is in ${path}`);
    expect(error.hint).toBe('--timeout 14s');
    expect(await readFile(path, 'utf8')).toBe('last line\n');
  });
});

it('passes on what QEMU itself complains about', async () => {
  const end = { stopped: undefined, code: 1, complaint: 'a\nno such machine' };
  expect((await guestError(end, '', 7)).message).toBe('qemu: no such machine');
});

it('lets one of two runs wait for the other', async () => {
  await inFolder(async (folder) => {
    const order: string[] = [];
    const run = (name: string) =>
      withLock(
        join(folder, 'lock'),
        () => {},
        async () => {
          order.push(`${name} in`);
          await sleep(50);
          order.push(`${name} out`);
        },
      );
    await Promise.all([run('a'), run('b')]);
    expect(order.map((entry) => entry.slice(2))).toEqual(['in', 'out', 'in', 'out']);
    expect(order[0]?.[0]).toBe(order[1]?.[0]);
  });
});

it('says which package a missing tool is in', async () => {
  await expect(needTool(['/nowhere/socat'])).rejects.toMatchObject({
    message: 'socat is not installed, the lab needs it',
    hint: 'apt-get install socat',
  });
});
