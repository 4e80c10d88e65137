import { rmSync } from 'node:fs';
import { afterAll, beforeAll } from 'vitest';
import { BpfObject } from '../../src/libbpf/bpf-object.ts';
import { make } from '../native/build.ts';
import { compileFixture } from './compile.ts';

/** Builds what the tests of a file need: the shim, and the object in a folder of its own. */
export function useFixture() {
  const fixture = { folder: '', path: '' };
  beforeAll(() => {
    make('native');
    const { folder, object } = compileFixture();
    fixture.folder = folder;
    fixture.path = object;
  });
  afterAll(() => rmSync(fixture.folder, { recursive: true }));
  const withObject = (use: (object: BpfObject) => void): void => {
    const object = BpfObject.open(fixture.path);
    try {
      use(object);
    } finally {
      object.close();
    }
  };
  return { fixture, withObject };
}
