/**
 * Several scenarios under one recording: all are set up first, then one after
 * the other has its traffic; their namespaces stay until the recording ends.
 */
import { playScenario, type Recorder } from './play.ts';
import type { Scenario } from './scenario.ts';
import type { Net } from './topology.ts';

export interface Part {
  readonly scenario: Scenario;
  /** What is done around its own traffic, within the recording. */
  readonly around: (recorder: Recorder) => Recorder;
}

interface Turn {
  readonly isSetUp: Promised<Net>;
  readonly mayBegin: Promised<void>;
  readonly hasPlayed: Promised<void>;
}

/** A promise that somebody else settles. */
class Promised<T> {
  resolve!: (value: T) => void;
  reject!: (error: unknown) => void;
  readonly promise = new Promise<T>((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });

  constructor() {
    this.promise.catch(() => undefined); // whoever waits for it is told
  }
}

/** Rejects with the first failure, when the recording and all scenarios have ended. */
export async function playTogether(
  parts: readonly Part[],
  recorder: Recorder,
  onProgress: (line: string) => void,
  signal?: AbortSignal,
): Promise<void> {
  const isOver = new Promised<void>();
  const turns = parts.map(
    (): Turn => ({
      isSetUp: new Promised<Net>(),
      mayBegin: new Promised<void>(),
      hasPlayed: new Promised<void>(),
    }),
  );
  const plays: Promise<unknown>[] = [];
  const start = (place: number): Promise<unknown> => {
    const { scenario, around } = parts[place]!;
    const own = around(takingTurns(turns[place]!, isOver.promise));
    const play = playScenario(scenario, own, onProgress, signal);
    play.catch(() => undefined); // raced against below, and awaited in the end
    plays.push(play);
    return play;
  };
  try {
    for (const place of parts.keys()) {
      await Promise.race([turns[place]!.isSetUp.promise, start(place)]);
    }
    await record(turns, plays, recorder);
    isOver.resolve();
  } catch (error) {
    for (const { mayBegin } of turns) mayBegin.reject(error);
    isOver.resolve();
    await Promise.allSettled(plays);
    throw error;
  }
  await Promise.all(plays);
}

async function record(
  turns: readonly Turn[],
  plays: readonly Promise<unknown>[],
  recorder: Recorder,
): Promise<void> {
  const net = await turns[0]!.isSetUp.promise;
  await recorder.start(net);
  try {
    for (const [place, { mayBegin, hasPlayed }] of turns.entries()) {
      mayBegin.resolve();
      await Promise.race([hasPlayed.promise, plays[place]]);
    }
  } finally {
    await recorder.stop(net);
  }
}

function takingTurns({ isSetUp, mayBegin, hasPlayed }: Turn, isOver: Promise<void>): Recorder {
  return {
    start(net) {
      isSetUp.resolve(net);
      return mayBegin.promise;
    },
    stop() {
      hasPlayed.resolve();
      return isOver;
    },
  };
}
