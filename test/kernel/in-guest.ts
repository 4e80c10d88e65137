/** A script on a real kernel, for tests: it must end well, and the kernel must not warn. */
import { expect } from 'vitest';
import { type GuestRequest, runGuest } from '../../src/lab/guest.ts';

/** Scenarios under one recording; where the traffic itself failed, all are played once more. */
export function playScript(scenarios: readonly string[], out: string, options = ''): string {
  const play = `conntrail lab --here --scenario ${scenarios.join(',')} --truth --out ${out} -- \\
  ${options} --out ${out}/trace.capture -q`;
  return `${play} || { echo "${scenarios}: once more" >&2; ${play}; } || exit 1`;
}

export async function runInGuest(
  script: string,
  request: Omit<GuestRequest, 'command'>,
): Promise<void> {
  let said = '';
  const { status, kernelWarnings } = await runGuest({
    ...request,
    command: ['bash', '-c', script],
    onStderr: (chunk) => {
      said += chunk.toString();
    },
  });
  expect(status, said).toBe(0);
  expect(kernelWarnings).toEqual([]);
}
