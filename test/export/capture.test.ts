import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { MAX_CHUNK } from '../../src/export/capture-format.ts';
import { CaptureReader } from '../../src/export/capture-reader.ts';
import { CaptureWriter } from '../../src/export/capture-writer.ts';
import { TraceError } from '../../src/model/error.ts';
import { END, FACTS, tempFolder } from './fixtures.ts';

vi.setConfig({ testTimeout: 60_000 });

const CHUNKS = [
  { bytes: Buffer.from(Array.from({ length: 96 }, (_, i) => i)), horizonNs: 2n ** 63n + 5n },
  { bytes: Buffer.from(Array.from({ length: 192 }, (_, i) => 255 - i)), horizonNs: 7n },
];

async function writeCapture(path: string): Promise<Buffer> {
  const writer = await CaptureWriter.open(path, FACTS);
  for (const { bytes, horizonNs } of CHUNKS) await writer.append(bytes, horizonNs);
  await writer.close(END);
  return readFileSync(path);
}

interface Found {
  readonly chunks: { bytes: Buffer; horizonNs: bigint }[];
  readonly truncated: string | undefined;
  readonly end: unknown;
}

async function read(path: string): Promise<Found> {
  const reader = await CaptureReader.open(path);
  try {
    const chunks = [];
    for await (const { bytes, horizonNs } of reader.chunks()) {
      chunks.push({ bytes: Buffer.from(bytes), horizonNs });
    }
    return { chunks, truncated: reader.truncated, end: reader.end };
  } finally {
    await reader.close();
  }
}

/** The chunks of records that are whole in the first `length` bytes. */
function wholeIn(length: number): typeof CHUNKS {
  let at = 16 + Buffer.byteLength(JSON.stringify(FACTS));
  return CHUNKS.filter(({ bytes }) => {
    at += 16 + bytes.length;
    return at <= length;
  });
}

describe('a capture', () => {
  it('holds exactly the drained bytes, the facts and the end', async () => {
    const path = join(tempFolder(), 'x.capture');
    await writeCapture(path);
    const reader = await CaptureReader.open(path);
    expect(reader.facts).toEqual(FACTS);
    expect(reader.end).toEqual(END);
    await reader.close();
    expect((await read(path)).chunks).toEqual(CHUNKS);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('keeps chunks apart that are appended without waiting', async () => {
    const path = join(tempFolder(), 'x.capture');
    const writer = await CaptureWriter.open(path, FACTS);
    await Promise.all(CHUNKS.map(({ bytes, horizonNs }) => writer.append(bytes, horizonNs)));
    await writer.close(END);
    expect((await read(path)).chunks).toEqual(CHUNKS);
  });

  it('is read again where its end fills more than a chunk', async () => {
    const path = join(tempFolder(), 'x.capture');
    const notes = ['x'.repeat(MAX_CHUNK), 'end'];
    const rulesets = [{ netns: 4001, readAtNs: '5', chains: [], notes }];
    const writer = await CaptureWriter.open(path, FACTS);
    await writer.close({ ...END, rulesets });
    const reader = await CaptureReader.open(path);
    expect(reader.end?.rulesets[0]?.notes.map(({ length }) => length)).toEqual([MAX_CHUNK, 3]);
    await reader.close();
  });

  it('leaves an older file of its name until it is whole, and is readable before', async () => {
    const path = join(tempFolder(), 'x.capture');
    writeFileSync(path, 'good');
    const writer = await CaptureWriter.open(path, FACTS);
    await writer.append(CHUNKS[0]!.bytes, CHUNKS[0]!.horizonNs);
    expect(readFileSync(path, 'utf8')).toBe('good');
    const found = await read(`${path}.partial`);
    expect(found.chunks).toEqual([CHUNKS[0]]);
    expect(found.end).toBeUndefined();
    expect(found.truncated).toMatch(
      /was cut short: its last whole chunk ends at byte \d+, 0 bytes/,
    );
    await writer.close(END);
    expect((await read(path)).end).toEqual(END);
  });

  it('moves the leavings of a killed trace aside', async () => {
    const path = join(tempFolder(), 'x.capture');
    await (await CaptureWriter.open(path, FACTS)).abort();
    await expect(read(path)).rejects.toMatchObject({
      code: 'missing',
      hint: `a trace that did not finish left ${path}.partial`,
    });
    await writeCapture(path);
    expect((await read(`${path}.partial.old`)).chunks).toEqual([]);
  });
});

describe('a damaged capture', () => {
  it('is read to its last whole chunk, wherever it was cut', async () => {
    const path = join(tempFolder(), 'x.capture');
    const whole = await writeCapture(path);
    const headEnd = 16 + Buffer.byteLength(JSON.stringify(FACTS));
    for (let length = 0; length < whole.length; length++) {
      writeFileSync(path, whole.subarray(0, length));
      if (length < headEnd) {
        await expect(read(path), `${length} bytes`).rejects.toMatchObject({ code: 'corrupt' });
        continue;
      }
      const found = await read(path);
      expect(found.chunks, `${length} bytes`).toEqual(wholeIn(length));
      expect(found.truncated, `${length} bytes`).toContain('was cut short');
      const hasEnd = length >= whole.length - 16;
      expect(found.end, `${length} bytes`).toEqual(hasEnd ? END : undefined);
    }
  });

  it('with any bit flipped is read, or refused in one line', async () => {
    const path = join(tempFolder(), 'x.capture');
    const whole = await writeCapture(path);
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const bytes = Buffer.from(whole);
      bytes[bit >>> 3]! ^= 1 << (bit & 7);
      writeFileSync(path, bytes);
      const [found, error]: [Found | undefined, unknown] = await read(path).then(
        (whole) => [whole, undefined],
        (refused: unknown) => [undefined, refused],
      );
      if (found !== undefined) {
        expect(
          found.chunks.map((chunk) => chunk.bytes.length),
          `bit ${bit}`,
        ).toEqual([96, 192]);
        continue;
      }
      expect(error, `bit ${bit}`).toBeInstanceOf(TraceError);
      expect((error as TraceError).message, `bit ${bit}`).toMatch(
        /^[^\n]*byte \d+: found .+ needed .+$/s,
      );
    }
  });

  it.each([
    ['length of the facts', 12, 0xffff_fff0, `facts of 4294967280 bytes, needed at most`],
    [
      'length of a chunk',
      -1,
      0x7fff_ffff,
      `a chunk of 2147483647 bytes, needed at most ${MAX_CHUNK}`,
    ],
    ['version', 8, 9, 'found capture format 9, needed 1'],
  ])('does not believe the %s', async (_, place, value, message) => {
    const path = join(tempFolder(), 'x.capture');
    const bytes = await writeCapture(path);
    const at = place < 0 ? 16 + Buffer.byteLength(JSON.stringify(FACTS)) + 4 : place;
    bytes.writeUInt32LE(value, at);
    writeFileSync(path, bytes);
    await expect(read(path)).rejects.toThrow(message);
  });

  it('takes no more into memory than facts can be, however long the file', async () => {
    const path = join(tempFolder(), 'x.capture');
    const bytes = await writeCapture(path);
    bytes.writeUInt32LE(1 << 25, 12);
    writeFileSync(path, bytes);
    truncateSync(path, 2 ** 26);
    await expect(read(path)).rejects.toThrow(
      `byte 12: found facts of ${1 << 25} bytes, needed at most ${1 << 24}`,
    );
  });

  it.each([
    ['cpus', { cpus: '7' }, 'cpus "7", needed the cpus of the facts of a trace'],
    ['clockOffsetNs', { clockOffsetNs: '1x' }, 'clockOffsetNs "1x", needed'],
    ['attached', { attached: [1] }, 'attached [1], needed'],
    ['dropReasons', { dropReasons: null }, 'dropReasons null, needed'],
  ])('does not take %s for what it is not', async (_, wrong, message) => {
    const path = join(tempFolder(), 'x.capture');
    const facts = { ...FACTS, ...wrong } as unknown as typeof FACTS;
    await (await CaptureWriter.open(path, facts)).close(END);
    await expect(read(path)).rejects.toThrow(`${path}: byte 16: found ${message}`);
  });

  it('does not take a ledger for what it is not', async () => {
    const path = join(tempFolder(), 'x.capture');
    const end = { ...END, ledger: { ...END.ledger, rows: [{ cpu: 1 }] } } as unknown as typeof END;
    await (await CaptureWriter.open(path, FACTS)).close(end);
    await expect(read(path)).rejects.toThrow('needed the ledger of the end of a trace');
  });

  it.each([
    ['nothing', ''],
    ['another format', 'PAR1 something else entirely'],
  ])('is refused when it is %s', async (_, content) => {
    const path = join(tempFolder(), 'x.capture');
    writeFileSync(path, content);
    await expect(read(path)).rejects.toThrow(`${path}: byte 0: found`);
  });
});
