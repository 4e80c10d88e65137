/** Ctrl-C and SIGTERM end a trace in good order; the second one ends the process. */
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
const EXIT_INTERRUPTED = 130;

/** Calls `stop` at the first signal. Returns what takes the handlers away again. */
export function onStopSignal(stop: () => void): () => void {
  let isStopping = false;
  const handler = (): void => {
    if (isStopping) process.exit(EXIT_INTERRUPTED);
    isStopping = true;
    stop();
  };
  for (const signal of SIGNALS) process.on(signal, handler);
  return () => {
    for (const signal of SIGNALS) process.off(signal, handler);
  };
}
