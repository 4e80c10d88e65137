import { expect, it } from 'vitest';
import { findMirror } from '../../src/lab/apt.ts';
import { cacheFolder } from '../../src/lab/cache.ts';
import { choosePackage, findKernel, LAB_KERNELS } from '../../src/lab/kernels.ts';

it('knows each kernel once and in at least one suite', () => {
  expect(LAB_KERNELS.map((kernel) => kernel.name)).toEqual(['5.10', '6.1', '6.12', '7']);
  expect(LAB_KERNELS.every((kernel) => kernel.suites.length > 0)).toBe(true);
});

it('refuses an unknown kernel with those it has', () => {
  expect(() => findKernel('4.19')).toThrow(
    'kernel "4.19" is not in the lab, which has 5.10, 6.1, 6.12, 7',
  );
});

it('chooses the newest package of the flavour', () => {
  const names = [
    'linux-image-6.1.0-9-cloud-amd64',
    'linux-image-6.1.0-50-cloud-amd64',
    'linux-image-6.1.0-51-cloud-amd64-unsigned',
    'linux-image-6.1.0-52-amd64',
    'linux-image-6.12.107+deb13-cloud-amd64',
    'linux-image-cloud-amd64',
  ];
  const six = findKernel('6.1');
  expect(choosePackage(names, six, 'cloud')).toBe('linux-image-6.1.0-50-cloud-amd64');
  expect(choosePackage(names, six, 'generic')).toBe('linux-image-6.1.0-52-amd64');
  expect(choosePackage(names, findKernel('6.12'), 'cloud')).toBe(
    'linux-image-6.12.107+deb13-cloud-amd64',
  );
  expect(choosePackage(names, findKernel('7'), 'cloud')).toBeUndefined();
});

it('finds the mirror in either form of source list, not in a comment', () => {
  const deb822 = 'Types: deb\n# http://old.example/debian\nURIs: http://mirror.example/debian\n';
  expect(findMirror([deb822])).toBe('http://mirror.example/debian');
  expect(findMirror(['', 'deb https://m.example/debian/ bookworm main\n'])).toBe(
    'https://m.example/debian/',
  );
  expect(findMirror(['URIs: mirror+file:///etc/apt/mirrors/debian.list\n'])).toBe(
    'mirror+file:///etc/apt/mirrors/debian.list',
  );
  expect(findMirror(['deb http://a.example/ubuntu noble main\n'])).toBeUndefined();
});

it('keeps kernels where the environment says', () => {
  expect(cacheFolder({ CONNTRAIL_LAB_CACHE: '/a', XDG_CACHE_HOME: '/b' })).toBe('/a/v1');
  expect(cacheFolder({ XDG_CACHE_HOME: '/b' })).toBe('/b/conntrail/lab/v1');
});
