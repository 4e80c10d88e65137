/** The parts, and how one is run in a process of its own. */
import { fork } from 'node:child_process';
import { type CpusCase, type CpusRun, runCpus } from './cpus.ts';
import { type FlowsCase, type FlowsRun, runFlows } from './flows.ts';
import { type LengthCase, type LengthRun, runLength } from './length.ts';
import { type ProducersCase, type ProducersRun, runProducers } from './producers.ts';

const RUNS = {
  flows: runFlows,
  cpus: runCpus,
  producers: runProducers,
  length: runLength,
  paced: runLength,
};

export type PartName = keyof typeof RUNS;
export const PARTS = Object.keys(RUNS) as PartName[];

interface Cases {
  readonly flows: FlowsCase;
  readonly cpus: CpusCase;
  readonly producers: ProducersCase;
  readonly length: LengthCase;
  readonly paced: LengthCase;
}

interface Found {
  readonly flows: FlowsRun;
  readonly cpus: CpusRun;
  readonly producers: ProducersRun;
  readonly length: LengthRun;
  readonly paced: LengthRun;
}

/** Of all parts: nothing where one was not asked for. */
export type Results = { readonly [Name in PartName]: readonly Found[Name][] };

/** In the child: the case named, from JSON. */
export async function runHere(name: PartName, json: string): Promise<unknown> {
  const run = RUNS[name] as (one: unknown) => Promise<unknown>;
  return run(JSON.parse(json));
}

/** In a process of its own, so that neither heap nor compiled code is shared. */
function inChild<Name extends PartName>(name: Name, one: Cases[Name]): Promise<Found[Name]> {
  const json = JSON.stringify(one);
  process.stderr.write(`bench: ${name} ${json}\n`);
  return new Promise((resolve, reject) => {
    const child = fork(process.argv[1]!, [RUN, name, json]);
    let result: Found[Name] | undefined;
    child.on('message', (message) => {
      result = message as Found[Name];
    });
    child.on('exit', (status) => {
      if (status === 0 && result !== undefined) resolve(result);
      else reject(new Error(`bench: ${name} ended with status ${status}`));
    });
  });
}

/** First word of a child's arguments. */
export const RUN = '--run';

export async function runAll<Name extends PartName>(
  name: Name,
  cases: readonly Cases[Name][],
): Promise<Found[Name][]> {
  const found: Found[Name][] = [];
  for (const one of cases) found.push(await inChild(name, one));
  return found;
}
