/** What `conntrail export` does; export.ts says how it is called. */
import { TraceError } from '../model/error.ts';
import type { TraceEnd } from '../model/facts.ts';
import { describeLedger, totalLost } from '../model/ledger.ts';
import type { TableName } from '../model/tables.ts';
import { type CaptureTables, openCaptureTables } from './capture-tables.ts';
import { type Destination, isCapture, openDestination } from './destination.ts';
import { Exit, endWith } from './exit.ts';
import { Progress, sizeText } from './progress.ts';

export interface ExportOptions {
  readonly out: string;
  readonly table: TableName;
  readonly quiet?: boolean;
}

export async function exportCapture(path: string, options: ExportOptions): Promise<void> {
  if (isCapture(options.out)) {
    throw new TraceError('usage', `${options.out} names a capture, ${path} is one already`, {
      hint: 'name a folder, FILE.parquet, FILE.arrow, or -',
    });
  }
  const capture = await openCaptureTables(path);
  try {
    const { facts } = capture;
    const destination = await openDestination(options.out, { facts, table: options.table });
    const end = await convert(capture, destination, options.quiet ?? false);
    if (capture.truncated !== undefined) process.stderr.write(`${capture.truncated}\n`);
    else if (!options.quiet) process.stderr.write(`${describeLedger(end.ledger)}\n`);
    if (capture.truncated !== undefined || totalLost(end.ledger) > 0) endWith(Exit.losses);
  } finally {
    await capture.close();
  }
}

async function convert(
  capture: CaptureTables,
  destination: Destination,
  isQuiet: boolean,
): Promise<TraceEnd> {
  let rows = 0;
  const progress = new Progress(
    isQuiet,
    () => `${rows} rows, ${sizeText(destination.bytes)} written`,
  );
  try {
    const batches = capture.batches();
    for (;;) {
      const next = await batches.next();
      if (next.done) {
        await destination.close(next.value, capture.truncated === undefined);
        return next.value;
      }
      rows += next.value.batch.numRows;
      await destination.addBatch(next.value);
    }
  } catch (error) {
    await destination.abort();
    throw error;
  } finally {
    progress.end();
  }
}
