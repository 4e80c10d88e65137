/** What an explanation is made of. All texts are for people; no full stops at their ends. */
import type { Rewritten } from './explain-nat.ts';
import type { TableRecord } from './parse-text.ts';

/** One field of what was pasted. */
export interface Fact {
  readonly name: string;
  readonly value: string;
  readonly meaning: string;
}

export interface Explanation {
  /** In a few words. */
  readonly title: string;
  readonly facts: readonly Fact[];
  /** The ends that NAT rewrites; empty: none, or no entry. */
  readonly rewritten: readonly Rewritten[];
  /** What NAT the entry holds, a line each; empty where that is no question. */
  readonly nat: readonly string[];
  /** What the next packet meets, and what a reply must look like. */
  readonly next: readonly string[];
  /** What to do about it. */
  readonly advice: readonly string[];
  /** Shell commands that show and delete exactly this entry; null: none can. */
  readonly look: string | null;
  readonly delete: string | null;
}

/** Of the first of its lines, from 1. */
export interface Explained extends Explanation {
  readonly line: number;
  readonly record: TableRecord;
}

export const NOTHING: Omit<Explanation, 'title'> = {
  facts: [],
  rewritten: [],
  nat: [],
  next: [],
  advice: [],
  look: null,
  delete: null,
};
