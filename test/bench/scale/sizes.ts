/** Sizes as one writes them. */

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1_000, M: 1_000_000 };

/** `10M`, `500k`, `1000`. */
export function sizeOf(text: string): number {
  const [, digits, unit] = /^(\d+)([kM]?)$/.exec(text) ?? [];
  if (digits === undefined || unit === undefined || Number(digits) === 0) {
    throw new Error(`found "${text}", needed a number, perhaps with k or M`);
  }
  return Number(digits) * UNITS[unit]!;
}

export function sizesOf(text: string): number[] {
  return text.split(',').map(sizeOf);
}

export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

export function megabytes(bytes: number): string {
  return count(bytes / 1e6);
}
