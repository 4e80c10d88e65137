/**
 * The guest side: what tracing costs in guest instructions per packet, beside
 * other tools. `--only NAME,NAME --kernel 6.1 --packets N --flows N --json`;
 * `--rates` alone: the highest rate of two CPUs.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { MAIN_SCRIPT } from '../../../src/lab/place.ts';
import { chooseSubjects } from './chosen.ts';
import { guestTable, machine } from './guest-table.ts';
import { type Measurement, measure } from './guests.ts';
import { MOST_FLOWS } from './network.ts';
import { sumsByKind } from './profile.ts';
import { measureRates, type Rate, rateTable } from './rates.ts';

/** build/guest, seen from build/bench/test/bench/guest. */
const TOOLS = fileURLToPath(new URL('../../../../guest', import.meta.url));
const KERNELS = ['6.1', '6.12'];
/** Instructions per packet, of the functions that take most. */
const PROFILE_LINES = 60;
const WARM_UP = { one: 20_000, flows: 40_000 };

const say = (line: string) => process.stderr.write(`bench: ${line}\n`);

function readOptions() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      kernel: { type: 'string', multiple: true, default: KERNELS },
      packets: { type: 'string', default: '100000' },
      flows: { type: 'string', default: '20000' },
      profile: { type: 'boolean', default: false },
      rates: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const [one, flows] = [Number(values.packets), Number(values.flows)];
  if (!(one >= 0 && flows >= 0 && flows <= MOST_FLOWS)) {
    throw new Error(`needed --packets N and --flows N, of flows at most ${MOST_FLOWS}`);
  }
  return { ...values, names: values.only?.split(','), sizes: { packets: { one, flows } } };
}

type Options = ReturnType<typeof readOptions>;

function describe({ workloads, failure }: Measurement): string {
  const figures = workloads.map(({ workload, instructions }) => {
    const { user = Number.NaN, kernel = Number.NaN } = instructions ?? {};
    return `${workload}: user ${user.toFixed(0)}, kernel ${kernel.toFixed(0)}`;
  });
  return [...figures, ...(failure ? [failure] : [])].join('; ');
}

async function measureAll(
  { kernel, names, sizes, profile }: Options,
  signal: AbortSignal,
): Promise<Measurement[]> {
  const subjects = await chooseSubjects(names, MAIN_SCRIPT, say);
  const all: Measurement[] = [];
  for (const name of kernel) {
    for (const subject of subjects) {
      const job = { subject, tools: TOOLS, ...sizes, warmUp: WARM_UP, senders: 1, profile };
      const one = await measure(name, job, 1, signal);
      if (signal.aborted) return all; // what there is by now is worth showing
      say(`${name} ${subject.name}: ${describe(one)} (${Math.round(one.elapsedMs / 1000)} s)`);
      const lines = one.profile ?? [];
      for (const { place, perPacket } of [...sumsByKind(lines), ...lines.slice(0, PROFILE_LINES)]) {
        process.stdout.write(`${perPacket.toFixed(1).padStart(10)}  ${place}\n`);
      }
      all.push(one);
    }
  }
  return all;
}

/** Part of the whole; of a part only where asked for. */
async function measureRatesOf(options: Options, signal: AbortSignal): Promise<Rate[]> {
  if (signal.aborted || (options.names && !options.rates)) return [];
  const all: Rate[] = [];
  for (const name of options.kernel) all.push(...(await measureRates(name, TOOLS, say, signal)));
  return all;
}

async function main(signal: AbortSignal): Promise<void> {
  const options = readOptions();
  const { sizes } = options;
  const measurements = options.rates && !options.names ? [] : await measureAll(options, signal);
  const rates = await measureRatesOf(options, signal);
  const all = { machine: machine(), ...sizes, measurements, rates };
  const tables = [
    ...(measurements.length > 0 ? [guestTable(measurements, sizes)] : []),
    ...(rates.length > 0 ? [rateTable(rates)] : []),
  ];
  process.stdout.write(options.json ? `${JSON.stringify(all, null, 2)}\n` : tables.join('\n'));
}

const controller = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => controller.abort());
try {
  await main(controller.signal);
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
