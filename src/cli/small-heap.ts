import { setFlagsFromString } from 'node:v8';

/**
 * Keeps V8 from doubling the space for new objects again and again, in all
 * threads that start from here: a trace makes few objects that live for long,
 * and would have tens of megabytes of such space and no use for them.
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}
