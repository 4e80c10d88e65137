import { readSysctl } from './sysctl.ts';

export interface Release {
  readonly text: string;
  readonly major: number;
  readonly minor: number;
}

/** `6.1.0-50-amd64`; a text without a version reads as 0.0. */
export function parseRelease(text: string): Release {
  const [, major = '0', minor = '0'] = /^(\d+)\.(\d+)/.exec(text) ?? [];
  return { text, major: Number(major), minor: Number(minor) };
}

export function kernelRelease(): Release {
  return parseRelease(readSysctl('kernel.osrelease') ?? '');
}

export function isAtLeast(release: Release, major: number, minor: number): boolean {
  return release.major > major || (release.major === major && release.minor >= minor);
}
