import { describe, expect, it } from 'vitest';
import { parseDurationMs, parseSizeBytes, parseWhole } from '../../src/cli/options.ts';

describe('durations', () => {
  it.each([
    ['500ms', 500],
    ['5s', 5000],
    ['1.5s', 1500],
    ['2m', 120_000],
    ['1h', 3_600_000],
  ])('reads %s', (text, ms) => {
    expect(parseDurationMs(text)).toBe(ms);
  });

  it.each(['5', '5 s', '-5s', '0s', '5d', 's', '', '1e3s', '1000h'])('refuses "%s"', (text) => {
    expect(() => parseDurationMs(text)).toThrow(
      `duration: found "${text}", needed a number above 0 with ms, s, m or h, up to 24 days`,
    );
  });
});

describe('sizes', () => {
  it.each([
    ['512B', 512],
    ['2097152', 2_097_152],
    ['3M', 3_145_728],
    ['5K', 5120],
    ['64KiB', 65_536],
    ['4MiB', 4_194_304],
    ['1.5GiB', 1_610_612_736],
  ])('reads %s', (text, bytes) => {
    expect(parseSizeBytes(text)).toBe(bytes);
  });

  it.each(['0', '4MB', '4mib', '4iB', '0KiB', '-1B', '9999999TiB', ''])('refuses "%s"', (text) => {
    expect(() => parseSizeBytes(text)).toThrow(
      `size: found "${text}", needed bytes above 0, or a number with KiB, MiB, GiB or TiB`,
    );
  });
});

describe('whole numbers and words', () => {
  it('reads a number in its range', () => {
    expect(parseWhole('port', 1, 65535)('65535')).toBe(65535);
  });

  it('refuses a number out of its range', () => {
    expect(() => parseWhole('port', 1, 65535)('0')).toThrow(
      'port: found "0", needed a whole number, 1 to 65535',
    );
    expect(() => parseWhole('count', 1)('1.5')).toThrow('needed a whole number, 1 or more');
  });
});
