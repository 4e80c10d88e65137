/** A kernel function that conntrail wants to see, and the programs that go there. */
import type { Detail } from '../model/facts.ts';

/** Programs of one backend for one function; both, one of them, or none. */
export interface Programs {
  readonly entry?: string;
  readonly leave?: string;
}

export interface Wish {
  readonly function: string;
  readonly kprobe: Programs;
  readonly fentry: Programs;
  readonly details: readonly Detail[];
  /** Of both backends: fentry takes no function with variable arguments. */
  readonly only?: 'kprobe';
  /** What it means when the function is not there. Without this text it is required. */
  readonly absent?: string;
}

/** What a trace is to hold. */
export interface Asked {
  readonly detail: Detail;
  /** Changes of state, with flows alone, too. */
  readonly states?: boolean;
  /** Each packet that conntrack refuses, and each search for a port. */
  readonly refusals?: boolean;
}

export type Has = (kernelFunction: string) => boolean;

export const ALL: readonly Detail[] = ['flows', 'packets', 'visits'];

/** The same program on entry, with either backend. */
export function entry(program: string): Pick<Wish, 'kprobe' | 'fentry'> {
  return { kprobe: { entry: program }, fentry: { entry: program } };
}
