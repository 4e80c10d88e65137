/**
 * The guest side: what tracing costs in guest instructions per packet, beside
 * other tools. `--only NAME,NAME --kernel 6.1 --packets N --flows N --json`.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { MAIN_SCRIPT } from '../../../src/lab/place.ts';
import { chooseSubjects } from './chosen.ts';
import { guestTable, machine, type Sizes } from './guest-table.ts';
import { type Measurement, measure } from './guests.ts';

/** build/guest, seen from build/bench/test/bench/guest. */
const TOOLS = fileURLToPath(new URL('../../../../guest', import.meta.url));
const KERNELS = ['6.1', '6.12'];
const WARM_UP = { one: 20_000, flows: 5_000 };

const say = (line: string) => process.stderr.write(`bench: ${line}\n`);

function readOptions() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      kernel: { type: 'string', multiple: true, default: KERNELS },
      packets: { type: 'string', default: '100000' },
      flows: { type: 'string', default: '20000' },
      json: { type: 'boolean', default: false },
    },
  });
  const [one, flows] = [Number(values.packets), Number(values.flows)];
  if (!(one >= 0 && flows >= 0 && flows <= 55_000)) {
    throw new Error('needed --packets N and --flows N, of flows at most 55000: each has a port');
  }
  return { ...values, names: values.only?.split(','), sizes: { packets: { one, flows } } };
}

function describe({ workloads, failure }: Measurement): string {
  const figures = workloads.map(({ workload, instructions }) => {
    const { user = Number.NaN, kernel = Number.NaN } = instructions ?? {};
    return `${workload}: user ${user.toFixed(0)}, kernel ${kernel.toFixed(0)}`;
  });
  return [...figures, ...(failure ? [failure] : [])].join('; ');
}

async function measureAll(
  { kernel, names, sizes }: ReturnType<typeof readOptions>,
  signal: AbortSignal,
): Promise<Measurement[]> {
  const subjects = await chooseSubjects(names, MAIN_SCRIPT, say);
  const all: Measurement[] = [];
  for (const name of kernel) {
    for (const subject of subjects) {
      const job = { subject, tools: TOOLS, packets: sizes.packets, warmUp: WARM_UP };
      const one = await measure(name, job, signal);
      say(`${name} ${subject.name}: ${describe(one)} (${Math.round(one.elapsedMs / 1000)} s)`);
      all.push(one);
    }
  }
  return all;
}

function asJson(all: readonly Measurement[], sizes: Sizes): string {
  return `${JSON.stringify({ machine: machine(), ...sizes, measurements: all }, null, 2)}\n`;
}

const controller = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => controller.abort());
try {
  const options = readOptions();
  const all = await measureAll(options, controller.signal);
  process.stdout.write(options.json ? asJson(all, options.sizes) : guestTable(all, options.sizes));
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
