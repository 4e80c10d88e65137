/** What `conntrail table events expect` does: what becomes of expectations, as it comes. */
import { ConntrackSocket, ExpectNewsGroup } from '../libbpf/conntrack-socket.ts';
import { byteAt, ENTRY_WORDS, LineForm, News } from '../model/entry-row.ts';
import { Exit, endWith } from './exit.ts';
import { onStopSignal } from './stop-signals.ts';
import { chosenOf, wantedFamily } from './table-expect-run.ts';
import { expectForm, openExpectSink } from './table-expect-sink.ts';
import { type NewsOptions, warnIfSilent } from './table-news-run.ts';
import { tablePlace } from './table-place.ts';
import { type EntrySink, withSink } from './table-sink.ts';

interface ExpectNewsOptions extends NewsOptions {
  readonly family?: string;
}

/** What was told, and how often the kernel threw news away. */
interface Told {
  readonly counts: Record<'new' | 'update' | 'destroy', number>;
  overruns: number;
}

const KINDS = [
  [News.new, 'new'],
  [News.update, 'update'],
  [News.destroy, 'destroy'],
] as const;
const DONE = { new: 'new', update: 'changed', destroy: 'destroyed' } as const;
const NOT_TOLD = 'expectations whose master was made while nobody listened';
const ALL = 7;
const WAIT_MS = 1000;

export async function followExpectations(options: ExpectNewsOptions): Promise<void> {
  const wanted = expectForm(options, process.stdout.isTTY === true);
  const family = wantedFamily(options);
  const place = tablePlace(options.netns);
  const groups = ExpectNewsGroup.new | ExpectNewsGroup.update | ExpectNewsGroup.destroy;
  const { bufferSize: receiveBytes } = options;
  const socket = ConntrackSocket.open({ netns: place.path, table: 'expect', groups, receiveBytes });
  const isAuto = warnIfSilent(place, NOT_TOLD) === '2';
  const told: Told = { counts: { new: 0, update: 0, destroy: 0 }, overruns: 0 };
  try {
    const form = { ...wanted, form: wanted.form | LineForm.news };
    const sink = await openExpectSink(form, { socket, place }, options.out);
    await withSink(sink, () => follow(socket, sink, told, { ...options, isOf: family }));
  } finally {
    await socket.close();
  }
  process.stderr.write(`${toldText(told, isAuto, options.news)}\n`);
  if (told.overruns > 0) endWith(Exit.losses);
}

async function follow(
  socket: ConntrackSocket,
  sink: EntrySink,
  told: Told,
  { duration = Infinity, count = Infinity, news = ALL, isOf }: NewsOptions & { isOf: 0 | 4 | 6 },
): Promise<void> {
  const endMs = performance.now() + duration;
  let left = count;
  let isStopping = false;
  const forget = onStopSignal(() => {
    isStopping = true;
    socket.wake();
  });
  try {
    while (!isStopping && left > 0) {
      const leftMs = endMs - performance.now();
      if (leftMs <= 0) return;
      const { overruns } = await socket.wait(Math.ceil(Math.min(leftMs, WAIT_MS)));
      told.overruns += overruns;
      const chosen = chosenOf(socket, isOf)
        .filter((row) => news & (1 << (newsAt(socket, row) - News.new)))
        .slice(0, left);
      left -= chosen.length;
      for (const [kind, name] of KINDS) {
        told.counts[name] += chosen.filter((row) => newsAt(socket, row) === kind).length;
      }
      await sink.write(socket.rows, chosen);
    }
  } finally {
    forget();
  }
}

function newsAt({ rows }: ConntrackSocket, row: number): number {
  return byteAt(rows.words, row * ENTRY_WORDS, 3);
}

/** Of the kinds that were asked for. */
function toldText({ counts, overruns }: Told, isAuto: boolean, news = ALL): string {
  const asked = KINDS.filter(([kind]) => news & (1 << (kind - News.new)));
  const text = asked.map(([, name]) => `${counts[name]} ${DONE[name]}`).join(', ');
  if (overruns === 0) return `${isAuto ? '' : 'complete: '}${text}, none thrown away`;
  const times = `${overruns} ${overruns === 1 ? 'time' : 'times'}`;
  return `${text}; the kernel threw news away ${times}`;
}
