/**
 * `npm run bench:scale -- [--only flows,cpus,producers,length,paced] [--json]`: how
 * the user side's cost grows with flows under way, with CPUs and with the
 * length of a trace. `--flows 1k,1M --cpus 1,64 --records 100M` and `--packets
 * 500k`, records per row of the first tables, say how far; `--pace 90k
 * --seconds 60` what the last one is fed. Fails where a
 * record is neither delivered nor counted as lost, or a row is missing.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { keepHeapSmall } from '../../../src/cli/small-heap.ts';
import { PARTS, type PartName, type Results, RUN, runAll, runHere } from './parts.ts';
import { scaleJson, scaleTables } from './scale-table.ts';
import { sizeOf, sizesOf } from './sizes.ts';

/** Work between two packets of a CPU: nothing, and what a packet costs the kernel with its own work. */
const APART_NS = [0, 2500];

function readOptions() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', default: PARTS.join(',') },
      flows: { type: 'string', default: '1k,10k,100k,1M' },
      cpus: { type: 'string', default: '1,2,4,8,16,32,64' },
      packets: { type: 'string', default: '2M' },
      records: { type: 'string', default: '10M' },
      pace: { type: 'string', default: '90k' },
      seconds: { type: 'string', default: '60' },
      json: { type: 'boolean', default: false },
    },
  });
  const names = values.only.split(',');
  const unknown = names.filter((name) => !PARTS.includes(name as PartName));
  if (unknown.length > 0) throw new Error(`no part ${unknown}; there are ${PARTS.join(', ')}`);
  return {
    json: values.json,
    has: (name: PartName) => names.includes(name),
    flows: sizesOf(values.flows),
    cpus: sizesOf(values.cpus),
    packets: sizeOf(values.packets),
    records: sizeOf(values.records),
    pace: sizeOf(values.pace),
    seconds: sizeOf(values.seconds),
  };
}

/** Not more at once than can run at once: one that waits for another's core proves nothing. */
function threadsOf(cpus: readonly number[]): number[] {
  return cpus.filter((threads) => threads <= availableParallelism());
}

async function measure(options: ReturnType<typeof readOptions>): Promise<Results> {
  const { has, cpus, packets } = options;
  const flows = has('flows') ? options.flows : [];
  const layouts = has('cpus') ? [false, true] : [];
  const apart = has('producers') ? APART_NS : [];
  const lengths = has('length') ? [options.records] : [];
  const paces = has('paced') ? [options.pace] : [];
  return {
    flows: await runAll(
      'flows',
      flows.map((size) => ({ flows: size, records: packets })),
    ),
    cpus: await runAll(
      'cpus',
      layouts.flatMap((shares) =>
        cpus.map((size) => ({ cpus: size, shares, records: Math.ceil(packets / 2) })),
      ),
    ),
    producers: await runAll(
      'producers',
      apart.flatMap((apartNs) => threadsOf(cpus).map((threads) => ({ threads, apartNs }))),
    ),
    length: await runAll(
      'length',
      lengths.map((records) => ({ records })),
    ),
    paced: await runAll(
      'paced',
      paces.map((perSecond) => ({ records: perSecond * options.seconds, perSecond })),
    ),
  };
}

async function main(args: readonly string[]): Promise<void> {
  const [first, name, json] = args;
  if (first === RUN) {
    keepHeapSmall(); // as the program does
    const found = await runHere(name as PartName, json!);
    process.send?.(found);
    return;
  }
  const options = readOptions();
  const results = await measure(options);
  process.stdout.write(options.json ? scaleJson(results) : scaleTables(results));
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
