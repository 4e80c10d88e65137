/** The longest a record waits in a ring that is not filling up: each look costs as much as many records. */

/** Before somebody's eyes. */
export const WATCHED_LATENCY_MS = 20;
/** Into a pipe, where somebody may wait for it. */
export const STREAMED_LATENCY_MS = 100;
/** Into files: rings that fill up are emptied before. */
export const RECORDED_LATENCY_MS = 500;
