export interface Clocks {
  /** Wall clock, whole milliseconds since 1970. */
  wallMs(): number;
  /** CLOCK_MONOTONIC, which the kernel's records carry. */
  monotonicNs(): bigint;
}

const SYSTEM_CLOCKS: Clocks = { wallMs: Date.now, monotonicNs: process.hrtime.bigint };
const TRIES = 5;

/**
 * Wall clock minus CLOCK_MONOTONIC, ns. The wall clock shows milliseconds
 * only, but the moment it steps to the next one is known as closely as two
 * readings of the other clock lie together: the tightest of several steps.
 */
export function clockOffsetNs(clocks: Clocks = SYSTEM_CLOCKS): bigint {
  let best = awaitStep(clocks);
  for (let tries = 1; tries < TRIES; tries++) {
    const next = awaitStep(clocks);
    if (next.uncertainNs < best.uncertainNs) best = next;
  }
  return best.offsetNs;
}

function awaitStep(clocks: Clocks): { offsetNs: bigint; uncertainNs: bigint } {
  const startMs = clocks.wallMs();
  for (;;) {
    const before = clocks.monotonicNs();
    const wallMs = clocks.wallMs();
    const after = clocks.monotonicNs();
    if (wallMs === startMs) continue;
    const middle = before + (after - before) / 2n;
    return { offsetNs: BigInt(wallMs) * 1_000_000n - middle, uncertainNs: after - before };
  }
}
