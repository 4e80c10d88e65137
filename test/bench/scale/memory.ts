/** What the process takes of memory. */

export interface Memory {
  readonly rssBytes: number;
  readonly heapBytes: number;
  /** Of it array buffers: columns, the flows in the making, queues. */
  readonly bufferBytes: number;
}

export function memoryNow(): Memory {
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
  return { rssBytes: rss, heapBytes: heapUsed, bufferBytes: arrayBuffers };
}

/** The largest resident set so far. */
export function peakBytes(): number {
  return process.resourceUsage().maxRSS * 1024;
}
