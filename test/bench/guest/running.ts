/** In the guest: one subject from its start until it has written everything. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, openSync, readFileSync, statSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadSymbols } from '../../../src/kernel/symbols.ts';
import { ended, runTool } from '../../../src/lab/tool.ts';
import type { Net } from '../../../src/lab/topology.ts';
import { BpfObject } from '../../../src/libbpf/index.ts';
import { lossPlaces } from './loss-places.ts';
import type { Command, EmptyProgram, Subject } from './subjects.ts';

const READY_MS = 180_000;
const END_MS = 600_000;
const QUIET_MS = 250;
const QUIET_TIMES = 4;
/** Of a hundredth of a second each; a busy process gets 25 in that time. */
const QUIET_TICKS = 4;

export interface Running {
  /** Waits until it has nothing left to do. */
  quiet(): Promise<void>;
  /** Marks what it has written so far as not of interest. */
  forget(): void;
  /** Copies the kernel's symbols and the map of its memory into a folder. */
  leaveSymbols(folder: string): Promise<void>;
  /** Has it finish; everything is written when this returns. */
  stop(): Promise<void>;
  /** What it wrote since `forget`. */
  written(): Promise<Written>;
}

export interface Written {
  readonly status: number | null;
  readonly records: number | null;
  readonly bytes: number;
  readonly says: readonly string[];
}

const NONE: Written = { status: null, records: null, bytes: 0, says: [] };
const done = async () => {};
/** A file of /proc says it is empty: the system's own copy believes it. */
const copyText = async (from: string, to: string) => writeFile(to, await readFile(from));
const IDLE: Running = {
  quiet: done,
  leaveSymbols: (folder) => copyText('/proc/kallsyms', `${folder}/kallsyms`),
  forget: () => {},
  stop: done,
  written: async () => NONE,
};

export async function startSubject(
  { empty, command }: Subject,
  folder: string,
  net: Net,
  sendOne: () => Promise<void>,
): Promise<Running> {
  await mkdir(folder, { recursive: true });
  if (command) return startCommand(command, folder, net, sendOne);
  return empty ? attachEmpty(empty, `${process.env.TOOLS}/empty.bpf.o`) : IDLE;
}

/** What this kernel has not is left out and said. */
function attachEmpty(programs: readonly EmptyProgram[], path: string): Running {
  const symbols = loadSymbols();
  const object = BpfObject.open(path);
  const meant = programs.filter(({ unless }) => unless === undefined || !symbols.has(unless));
  const wanted = meant.filter((one) => symbols.has(one.function ?? functionOf(one.program)));
  const names = new Set(wanted.map(({ program }) => program));
  for (const program of object.programs) program.setAutoload(names.has(program.name));
  object.load();
  const links = wanted.map((one) => {
    const program = object.program(one.program);
    const options = { isReturn: one.program === 'on_return' };
    return one.function ? program.attachKprobe(one.function, options) : program.attach();
  });
  const left = meant.filter((one) => !wanted.includes(one));
  const says = left.map((one) => `not here: ${one.function ?? one.program}`);
  return {
    ...IDLE,
    written: async () => ({ ...NONE, says }),
    stop: async () => {
      for (const link of links) link.destroy();
      object.close();
    },
  };
}

/** `enter_nf_ct_delete`; a program of a tracepoint needs a function that is always there. */
function functionOf(program: string): string {
  return program === 'on_drop' ? 'consume_skb' : program.replace(/^(enter|leave)_/, '');
}

/** Hundredths of a second of CPU, all threads. */
function ticksOf(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
    return Number(fields[11]) + Number(fields[12]);
  } catch {
    return 0;
  }
}

/** It writes nothing and takes no CPU worth speaking of, or would always take it. */
async function untilQuiet(pid: number, folder: string, { polls }: Command): Promise<void> {
  const end = Date.now() + END_MS;
  const size = () => statSync(`${folder}/out`).size;
  for (let still = 0; still < QUIET_TIMES && Date.now() < end; ) {
    const [ticks, bytes] = [ticksOf(pid), size()];
    await sleep(QUIET_MS);
    const rests = polls || ticksOf(pid) - ticks <= QUIET_TICKS;
    const isStill = rests && size() === bytes;
    still = isStill ? still + 1 : 0;
  }
}

async function untilReady(
  { ready }: Command,
  folder: string,
  child: ChildProcess,
  sendOne: () => Promise<void>,
): Promise<void> {
  const end = Date.now() + READY_MS;
  const read = (name: string) => readFileSync(`${folder}/${name}`, 'utf8');
  const isReady = () => {
    if (ready === 'file') return existsSync(`${folder}/ready`);
    return ready === 'packet' ? read('out').includes('7000') : read('err').includes(ready.says);
  };
  while (!isReady()) {
    const status = child.exitCode ?? child.signalCode;
    if (status !== null) throw new Error(`ended with ${status}: ${read('err').trim()}`);
    if (Date.now() > end) throw new Error(`not ready after ${READY_MS} ms: ${read('err').trim()}`);
    if (ready === 'packet') await sendOne();
    await sleep(100);
  }
}

async function startCommand(
  command: Command,
  folder: string,
  net: Net,
  sendOne: () => Promise<void>,
): Promise<Running> {
  const words = command.argv.map((word) =>
    word.replace('$OUT', `${folder}/trace`).replace('$READY', `${folder}/ready`),
  );
  const argv = command.namespace ? net.within(command.namespace, words) : words;
  const open = (name: string) => openSync(`${folder}/${name}`, 'w');
  const child = spawn(argv[0]!, argv.slice(1), { stdio: ['ignore', open('out'), open('err')] });
  const end = ended(child);
  await untilReady(command, folder, child, sendOne).catch((error) => {
    child.kill('SIGKILL'); // or the guest waits for it
    throw error;
  });
  const skip = { out: 0, err: 0 };
  return {
    quiet: () => untilQuiet(child.pid!, folder, command),
    forget: () => {
      skip.out = statSync(`${folder}/out`).size;
      skip.err = statSync(`${folder}/err`).size;
    },
    async leaveSymbols(folder) {
      await IDLE.leaveSymbols(folder);
      await copyText(`/proc/${child.pid}/maps`, `${folder}/maps`);
    },
    async stop() {
      if (!command.drains) await untilQuiet(child.pid!, folder, command);
      child.kill('SIGINT');
      const killer = setTimeout(() => child.kill('SIGKILL'), END_MS);
      await end;
      clearTimeout(killer);
    },
    written: async () => ({ ...(await lookAt(command, folder, skip)), status: await end }),
  };
}

interface Sizes {
  readonly out: number;
  readonly err: number;
}

async function lookAt({ output, record, loss }: Command, folder: string, skip: Sizes) {
  const after = async (script: string, pattern: string) => {
    const files = ['out', 'err'].map((name) => `${folder}/${name}`);
    const words = [...files, String(skip.out + 1), String(skip.err + 1), pattern];
    return (await runTool(['sh', '-c', script, 'sh', ...words])).stdout;
  };
  const records =
    output === 'lines'
      ? Number(await after('tail -c +$3 "$1" | grep -acE -- "$5"', record ?? ''))
      : null;
  const said = await after(
    '(tail -c +$3 "$1"; tail -c +$4 "$2") | grep -aE -- "$5" | sort | uniq -c | sort -rn | head -n 5',
    loss,
  );
  const names = await readdir(folder, { recursive: true });
  const sizes = names.map((name) => statSync(`${folder}/${name}`).size);
  const lines = said.split('\n').map((line) => line.trim());
  const places = await lossPlaces(folder);
  const says = [...lines.filter(Boolean), ...(places ? [`lost by place: ${places}`] : [])];
  return { records, bytes: sizes.reduce((a, b) => a + b, 0) - skip.out, says };
}
