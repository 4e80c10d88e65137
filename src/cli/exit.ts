/** What a command's end means to a script. */
export const Exit = { done: 0, failed: 1, usage: 2, losses: 3 } as const;
export type Exit = (typeof Exit)[keyof typeof Exit];

/** The status this process will end with; a worse one is never replaced by a better. */
export function endWith(exit: Exit): void {
  process.exitCode = Math.max(Number(process.exitCode ?? 0), exit);
}
