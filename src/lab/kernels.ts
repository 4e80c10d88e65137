/** The kernels the lab can boot. Adding one is adding a line. */
import { TraceError } from '../model/error.ts';

export interface LabKernel {
  /** What `--kernel` takes; the release begins with it. */
  readonly name: string;
  /** Debian suites that may hold it, the first that has it wins. */
  readonly suites: readonly string[];
}

export const LAB_KERNELS: readonly LabKernel[] = [
  { name: '5.10', suites: ['bullseye'] },
  { name: '6.1', suites: ['bookworm'] },
  { name: '6.12', suites: ['trixie'] },
  { name: '7', suites: ['trixie-backports', 'sid'] },
];

export const DEFAULT_KERNEL = '6.1';

/** `cloud` is small and fast but has no 9p; `generic` has everything. */
export type Flavour = 'cloud' | 'generic';

export function findKernel(name: string): LabKernel {
  const kernel = LAB_KERNELS.find((candidate) => candidate.name === name);
  if (kernel) return kernel;
  const known = LAB_KERNELS.map((candidate) => candidate.name).join(', ');
  throw new TraceError('usage', `kernel "${name}" is not in the lab, which has ${known}`, {
    hint: `--kernel ${DEFAULT_KERNEL}`,
  });
}

/** The newest package of this kernel and flavour among the names of a suite, if any. */
export function choosePackage(
  names: readonly string[],
  kernel: LabKernel,
  flavour: Flavour,
): string | undefined {
  const dots = kernel.name.replaceAll('.', '\\.');
  const suffix = flavour === 'cloud' ? '-cloud-amd64' : '-amd64';
  const wanted = new RegExp(
    `^linux-image-${dots}\\.[0-9][0-9.]*(-[0-9]+)?(\\+[a-z0-9.]+)?${suffix}$`,
  );
  const byVersion = new Intl.Collator('en', { numeric: true });
  return names
    .filter((name) => wanted.test(name))
    .sort(byVersion.compare)
    .at(-1);
}
