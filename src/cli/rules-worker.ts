/** A thread that reads rules: the tools of the backends take their time, and rings do not wait. */
import { parentPort } from 'node:worker_threads';
import { netnsPaths } from '../kernel/netns.ts';
import { readRuleset } from '../kernel/rules.ts';
import { readLegacyTable } from '../libbpf/legacy-table.ts';
import type { Ruleset } from '../model/ruleset.ts';
import { describeError } from './failure.ts';

/** A node with more: the others' rules are not read, and a note says so. */
const MOST_NAMESPACES = 64;

export interface RulesRead {
  readonly rulesets: readonly Ruleset[];
  /** Of each, bytes as JSON. */
  readonly sizes: readonly number[];
  /** What could not be read, one line each. */
  readonly notes: readonly string[];
}

/** Inodes of the namespaces to read; null: all that there are. */
export type RulesWanted = readonly number[] | null;

function read(wanted: RulesWanted): RulesRead {
  const paths = [...netnsPaths()].filter(([inode]) => wanted === null || wanted.includes(inode));
  const rulesets: Ruleset[] = [];
  const left = paths.length - MOST_NAMESPACES;
  const notes = left > 0 ? [`rules of ${left} network namespaces were not read\n`] : [];
  for (const [netns, path] of paths.slice(0, MOST_NAMESPACES)) {
    try {
      rulesets.push(readRuleset({ netns, path, readTable: readLegacyTable }));
    } catch (error) {
      notes.push(describeError(error));
    }
  }
  return {
    rulesets,
    sizes: rulesets.map((one) => Buffer.byteLength(JSON.stringify(one))),
    notes: [...notes, ...rulesets.flatMap((one) => one.notes.map(asLine))],
  };
}

function asLine(note: string): string {
  return `${note}\n`;
}

parentPort?.on('message', (wanted: RulesWanted) => parentPort?.postMessage(read(wanted)));
