/** Scenarios in files: those that come with conntrail, and any other by its path. */
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileError, TraceError } from '../model/error.ts';
import { SCENARIO_FOLDER } from './place.ts';
import type { Scenario } from './scenario.ts';
import { parseScenario } from './scenario-parse.ts';
import { openPlace, readMapping, readText } from './scenario-place.ts';

export async function scenarioNames(folder: string = SCENARIO_FOLDER): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.yaml'));
  return names.map((name) => basename(name, '.yaml')).sort();
}

/** The file of a scenario that comes with conntrail, or the path itself where it names a file. */
export async function scenarioPath(nameOrPath: string): Promise<string> {
  if (/[/.]/.test(nameOrPath)) return nameOrPath;
  const names = await scenarioNames();
  if (names.includes(nameOrPath)) return join(SCENARIO_FOLDER, `${nameOrPath}.yaml`);
  throw new TraceError('usage', `no scenario "${nameOrPath}", there are ${names.join(', ')}`, {
    hint: 'conntrail lab --list',
  });
}

const readScenario = (path: string) =>
  readFile(path, 'utf8').catch((error: unknown) => {
    throw fileError('read', path, error);
  });

/**
 * A file may be no more than `like: another-scenario` and `with: { word: other }`:
 * the text of the other one, those words replaced.
 */
export async function openScenario(path: string): Promise<Scenario> {
  const text = await readScenario(path);
  const root = openPlace(text, path);
  if (root.at('like').value === undefined) return parseScenario(text, path);
  readMapping(root, ['like', 'with']);
  const model = await readScenario(await scenarioPath(readText(root.at('like'))));
  const words = readMapping(root.at('with')).map(
    ([word, other]) => [word, readText(other)] as const,
  );
  const changed = words.reduce((before, [word, other]) => before.replaceAll(word, other), model);
  return parseScenario(changed, path);
}
