/** In the guest: plays the workloads beside one subject and prints what was seen, a line each. */
import { rm } from 'node:fs/promises';
import { needTool, runTool } from '../../../src/lab/tool.ts';
import type { Net } from '../../../src/lab/topology.ts';
import { type Job, marksOf, RESULT, type Seen, WORKLOADS, type Workload } from './job.ts';
import { forgetFlows, PORT, SERVER, takeArrived, withNetwork } from './network.ts';
import { startSubject } from './running.ts';

const FLOOD_MS = 600_000;
/** Source ports: of packets that look whether a subject traces, and of the first flow. */
const LOOK_PORT = 1100;
const FIRST_PORT = 2000;

/** Splits the packets among the senders; the time of the slowest. */
async function floodTogether(net: Net, job: Job, workload: Workload, count: number, first: number) {
  const share = Math.floor(count / job.senders);
  const floods = Array.from({ length: job.senders }, (_, at) => {
    const step = workload === 'one' ? 1 : share;
    return flood(net, job.tools, workload, share, first + at * step);
  });
  return Math.max(...(await Promise.all(floods)));
}

async function flood(net: Net, tools: string, workload: Workload, count: number, first: number) {
  const words = [workload, String(count), SERVER, String(PORT), `first=${first}`];
  const options = { timeoutMs: FLOOD_MS };
  const text = await net.need('client', [`${tools}/flood`, ...words], options);
  return Number(/in (\d+) us/.exec(text)?.[1]);
}

async function play(net: Net, job: Job, workload: Workload): Promise<Seen> {
  const { subject, tools } = job;
  const [packets, warmUp] = [job.packets[workload], job.warmUp[workload]];
  const marks = marksOf(workload);
  const folder = `/run/bench-${workload}`;
  await forgetFlows(net);
  let looks = 0;
  const look = async () => {
    await flood(net, tools, 'flows', 1, LOOK_PORT + looks++);
  };
  const running = await startSubject(subject, folder, net, look);
  await floodTogether(net, job, workload, warmUp, FIRST_PORT);
  await running.quiet();
  running.forget();
  await takeArrived(net);
  if (job.profile) await running.leaveSymbols(process.env.OUT ?? '');
  await needTool([`${tools}/mark`, String(marks.begin)]);
  const first = workload === 'one' ? FIRST_PORT : FIRST_PORT + warmUp;
  const startMs = performance.now();
  const sendingUs = await floodTogether(net, job, workload, packets, first);
  await running.stop();
  const wholeUs = Math.round((performance.now() - startMs) * 1000);
  await needTool([`${tools}/mark`, String(marks.end)]);
  if (job.profile) await runTool(['sh', '-c', 'cp /tmp/perf-*.map "$OUT"']);
  const arrived = await takeArrived(net);
  const seen = { workload, arrived, sendingUs, wholeUs, ...(await running.written()) };
  await rm(folder, { recursive: true });
  return seen;
}

const job = JSON.parse(process.argv[2] ?? '') as Job;
process.env.TOOLS = job.tools;
if (job.profile) process.env.NODE_OPTIONS = '--perf-basic-prof'; // of what is started from here
await withNetwork(async (net) => {
  for (const workload of WORKLOADS) {
    if (job.packets[workload] === 0) continue;
    const seen = await play(net, job, workload);
    process.stdout.write(`${RESULT}${JSON.stringify(seen)}\n`);
  }
}).catch((error) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
