/** Where a trace lost records, from the ledger in its Parquet file. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parquetMetadata } from 'hyparquet';
import { LEDGER_KEY } from '../../../src/export/metadata.ts';
import { imbalance, type Ledger } from '../../../src/model/ledger.ts';

const PLACES = [
  'ringFull',
  'callsFull',
  'missedReturn',
  'missedEntry',
  'flowsFull',
  'evicted',
  'recursion',
] as const;

/** A line such as `ringFull 12, recursion 3`; undefined where nothing was lost. */
export function describePlaces({ rows }: Ledger): string | undefined {
  const sum = (of: (row: Ledger['rows'][number]) => number | null) =>
    rows.reduce((total, row) => total + (of(row) ?? 0), 0);
  const sums = [
    ...PLACES.map((place) => [place, sum((row) => row[place])] as const),
    ['imbalance', sum((row) => Math.abs(imbalance(row)))] as const,
  ];
  const lost = sums.filter(([, records]) => records > 0);
  return lost.length > 0 ? lost.map(([place, n]) => `${place} ${n}`).join(', ') : undefined;
}

async function ledgerOf(path: string): Promise<Ledger | undefined> {
  const { buffer, byteOffset, byteLength } = await readFile(path);
  const whole = buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
  const found = parquetMetadata(whole).key_value_metadata?.find(({ key }) => key === LEDGER_KEY);
  return found?.value ? (JSON.parse(found.value) as Ledger) : undefined;
}

/** Of the Parquet files below a folder the first that has a ledger. */
export async function lossPlaces(folder: string): Promise<string | undefined> {
  const names = await readdir(folder, { recursive: true });
  for (const name of names.filter((one) => one.endsWith('.parquet'))) {
    const ledger = await ledgerOf(join(folder, name));
    if (ledger) return describePlaces(ledger);
  }
  return undefined;
}
