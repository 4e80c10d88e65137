/**
 * In a guest: a session of the library opened and closed again and again. Each
 * round makes flows of its own and must see each of them, confirmed; what the
 * kernel holds is looked at before, after the first part, and at the end.
 * Arguments: rounds, rounds of the first part, detail. Prints one JSON object.
 */
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { Session } from '../../dist/index.js';
import { RecordFlag, RecordKind } from '../../dist/wire/layout.js';
import { recordWords, Shift, Word } from '../../dist/wire/words.js';

const PORT = 9000;
const FLOWS = 3;
const [rounds, first, detail] = [Number(process.argv[2]), Number(process.argv[3]), process.argv[4]];
/** Below those that the kernel gives to sockets without one. */
let nextPort = 20_000;
const buffer = new Uint8Array(1 << 20);

/** Flows to PORT whose confirmation is told in these records. */
function confirmed(words, records) {
  let count = 0;
  for (let at = 0; at < records * recordWords; at += recordWords) {
    if (((words[at + Word.kind] >>> Shift.kind) & 0xff) !== RecordKind.flow) continue;
    const flags = (words[at + Word.flags] >>> Shift.flags) & 0xffff;
    const isOriginal = (flags & RecordFlag.flowReply) === 0;
    const port = (words[at + Word.dstPort] >>> Shift.dstPort) & 0xffff;
    if ((flags & RecordFlag.flowConfirmRan) !== 0 && isOriginal && port === PORT) count++;
  }
  return count;
}

async function drainAll(session) {
  let count = 0;
  for (;;) {
    const { records } = await session.take(buffer, 0);
    if (records === 0) return count;
    count += confirmed(new Int32Array(buffer.buffer), records);
  }
}

/** Each from a port that none had before: so many new flows, though entries of others still live. */
async function makeFlows() {
  for (let flow = 0; flow < FLOWS; flow++) {
    const socket = createSocket('udp4');
    await new Promise((resolve, reject) => {
      socket.once('error', reject).bind(nextPort++, '127.0.0.1', resolve);
    });
    await new Promise((resolve, reject) => {
      socket.send('x', PORT, '127.0.0.1', (error) => (error ? reject(error) : resolve()));
    });
    socket.close();
  }
}

async function round() {
  const session = Session.open({ detail, sample: 1, everywhere: false, ringBytes: 1 << 18 });
  try {
    await session.start();
    await makeFlows();
    await session.stop();
    return await drainAll(session);
  } finally {
    await session.close();
  }
}

const lines = (path) => readFileSync(path, 'utf8').split('\n').length - 1;
const listed = (what) =>
  JSON.parse(execFileSync('bpftool', ['-j', what, 'show'], { encoding: 'utf8' }) || '[]').length;

function held() {
  const memory = readFileSync('/proc/meminfo', 'utf8');
  const kilobytes = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(memory)[1]);
  return {
    programs: listed('prog'),
    maps: listed('map'),
    links: listed('link'),
    kprobes: lines('/sys/kernel/debug/kprobes/list'),
    functions: lines('/sys/kernel/tracing/enabled_functions'),
    available: kilobytes('MemAvailable'),
    slab: kilobytes('Slab'),
    own: Math.round(process.memoryUsage().rss / 1024),
  };
}

/** Programs and maps are freed some time after their last user is gone. */
async function settled(before) {
  for (let look = 0; ; look++) {
    const now = held();
    const isBack = ['programs', 'maps', 'links', 'kprobes', 'functions'].every(
      (k) => now[k] <= before[k],
    );
    if (isBack || look === 100) return now;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

const before = held();
const begun = performance.now();
const seen = [];
let after;
for (let done = 1; done <= rounds; done++) {
  seen.push(await round());
  if (done === first) after = await settled(before);
}
const seconds = (performance.now() - begun) / 1000;
const end = await settled(before);
process.stdout.write(
  `${JSON.stringify({ flowsEach: FLOWS, seen, before, after, end, seconds })}\n`,
);
