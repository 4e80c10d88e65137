import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ROOT, type SourceFile, sourceFiles } from './sources.ts';

/** What each room may import, beside itself. index.ts stands above all of them. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  model: [],
  wire: ['model'],
  // of libbpf only the shim, which fills columns
  rebuild: ['libbpf', 'wire', 'model'],
  columns: ['wire', 'model'],
  explain: ['rebuild', 'columns', 'wire', 'model'],
  // of libbpf only the shim's encoder of columns: one room alone knows the FFI
  export: ['libbpf', 'rebuild', 'columns', 'wire', 'model'],
  // conntrack entries: options, filters, texts; of the table and of lines from elsewhere
  table: ['model'],
  kernel: ['model'],
  libbpf: ['kernel', 'wire', 'model'],
  capture: ['libbpf', 'kernel', 'wire', 'model'],
  lab: ['kernel', 'model'],
  cli: [
    'model',
    'wire',
    'rebuild',
    'columns',
    'explain',
    'table',
    'export',
    'kernel',
    'libbpf',
    'capture',
    'lab',
  ],
};

/** Rooms that compute: no I/O, no clock, so that they run anywhere, from a file. */
const PURE = ['model', 'wire', 'rebuild', 'explain', 'table'];

/** Started as processes of their own. */
const PROGRAMS = ['src/lab/race-end.ts', 'src/columns/write-document.ts'];

/** Packages that only one room may know. */
const OWNERS: Readonly<Record<string, string>> = {
  'ffi-napi': 'libbpf',
  'apache-arrow': 'columns',
  commander: 'cli',
};

const files = sourceFiles('src', '.ts');

function importsOf({ text }: SourceFile): string[] {
  return [...text.matchAll(/(?:from|import\()\s*'([^']+)'/g)].map((match) => match[1]!);
}

function roomOf(path: string): string {
  return path.split('/')[1]!;
}

/** `src/<room>/file.ts` imports `../<other>/file.ts`. */
function roomsImportedBy(file: SourceFile): string[] {
  return importsOf(file).flatMap((name) => /^\.\.\/([a-z]+)\//.exec(name)?.[1] ?? []);
}

describe('rooms', () => {
  it('has a table of every room', () => {
    const rooms = new Set(
      files.map(({ path }) => roomOf(path)).filter((room) => !room.endsWith('.ts')),
    );
    expect([...rooms].filter((room) => ROOMS[room] === undefined)).toEqual([]);
  });

  it('imports only from rooms further down', () => {
    const wrong = files.flatMap((file) => {
      const allowed = ROOMS[roomOf(file.path)] ?? Object.keys(ROOMS);
      return roomsImportedBy(file)
        .filter((room) => !allowed.includes(room))
        .map((room) => `${file.path} imports ${room}`);
    });
    expect(wrong).toEqual([]);
  });

  it('keeps I/O out of the rooms that compute', () => {
    const wrong = files.filter(
      (file) =>
        PURE.includes(roomOf(file.path)) && importsOf(file).some((name) => !name.startsWith('.')),
    );
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });

  it('lets one room know each package that must not spread', () => {
    const wrong = files.flatMap((file) =>
      importsOf(file).flatMap((name) => {
        const owner = OWNERS[name.split('/')[0]!];
        return owner === undefined || owner === roomOf(file.path) ? [] : `${file.path}: ${name}`;
      }),
    );
    expect(wrong).toEqual([]);
  });

  it('prints and exits in cli only', () => {
    const prints = /console\.(log|error|warn|info)|process\.exit\(|process\.std(out|err)\.write/;
    const wrong = files.filter(
      ({ path, text }) =>
        !PROGRAMS.includes(path) &&
        roomOf(path) !== 'cli' &&
        prints.test(text.replace(/\/\/ .*/g, '')),
    );
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });

  it('has the version of package.json in no other place', () => {
    const { version } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as {
      version: string;
    };
    const wrong = files.filter(({ text }) => text.includes(`'${version}'`));
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });
});
