import { readFileSync } from 'node:fs';
import { sectionVariables } from '../kernel/btf-variables.ts';
import { replaceFunction } from '../kernel/elf-function.ts';
import { fileError, TraceError } from '../model/error.ts';
import { libbpf } from './bindings.ts';
import { BpfMap } from './bpf-map.ts';
import { check, checkPointer, failure } from './failure.ts';
import { type Handle, isNull } from './native.ts';
import { Program } from './program.ts';
import { clearLog, readLog } from './shim.ts';

/** A setting of the object: a `const volatile` global, fixed when it is loaded. */
export interface Setting {
  readonly size: number;
  read(): Buffer;
  /** As many bytes as it has; before load(). */
  write(bytes: Uint8Array): void;
}

/** A compiled eBPF object, from open to close. Its programs and maps end with it. */
export class BpfObject {
  #handle: Handle | undefined;
  readonly path: string;

  private constructor(path: string, handle: Handle) {
    this.path = path;
    this.#handle = handle;
  }

  static open(path: string): BpfObject {
    const call = () => libbpf().bpf_object__open_file(path, null);
    const hintFor = (errno: string) =>
      errno === 'EPERM' || errno === 'EACCES' ? 'check who may read the file' : OPEN_HINTS[errno];
    return new BpfObject(path, checkPointer(`bpf_object__open_file ${path}`, call, hintFor));
  }

  /** The file with one of its functions replaced; what it called, if anything, it calls no more. */
  static openReplaced(path: string, name: string, instructions: Uint8Array): BpfObject {
    const bytes = readObject(path);
    replaceFunction(bytes, name, instructions);
    const call = () => libbpf().bpf_object__open_mem(bytes, bytes.length, null);
    const operation = `bpf_object__open_mem ${path} with another ${name}`;
    return new BpfObject(
      path,
      checkPointer(operation, call, (errno) => OPEN_HINTS[errno]),
    );
  }

  get programs(): Program[] {
    const next = libbpf().bpf_object__next_program;
    return this.#all(next).map((handle) => new Program(handle));
  }

  get maps(): BpfMap[] {
    const next = libbpf().bpf_object__next_map;
    return this.#all(next).map((handle) => new BpfMap(handle));
  }

  /** undefined where the object has none of that name. */
  findProgram(name: string): Program | undefined {
    const handle = libbpf().bpf_object__find_program_by_name(this.#open, name);
    return isNull(handle) ? undefined : new Program(handle);
  }

  program(name: string): Program {
    const program = this.findProgram(name);
    if (program !== undefined) return program;
    throw this.#missing('program', name, this.programs);
  }

  map(name: string): BpfMap {
    const handle = libbpf().bpf_object__find_map_by_name(this.#open, name);
    if (!isNull(handle)) return new BpfMap(handle);
    throw this.#missing('map', name, this.maps);
  }

  /** A setting by the name of its variable. */
  rodata(name: string): Setting {
    const variables = sectionVariables(this.#btf(), '.rodata');
    const found = variables.find((variable) => variable.name === name);
    if (found === undefined) throw this.#missing('setting', name, variables);
    const { offset, size } = found;
    const section = this.map('.rodata');
    return {
      size,
      read: () => section.initialValue().subarray(offset, offset + size),
      write: (bytes) => {
        if (bytes.length !== size) {
          throw new TraceError(
            'failed',
            `setting ${name} has ${size} bytes, found ${bytes.length}`,
          );
        }
        const whole = section.initialValue();
        whole.set(bytes, offset);
        section.setInitialValue(whole);
      },
    };
  }

  /** Creates the maps and has the verifier look at the programs. */
  load(): void {
    check(`bpf_object__load ${this.path}`, () => libbpf().bpf_object__load(this.#open));
  }

  /** The same on another thread, so that this one goes on; the object is left alone meanwhile. */
  loadAside(): Promise<void> {
    clearLog();
    const operation = `bpf_object__load ${this.path}`;
    return new Promise((resolve, reject) => {
      libbpf().bpf_object__load.async(this.#open, (error, status) => {
        if (error === null && status >= 0) resolve();
        else reject(error ?? failure(operation, -status, undefined, readLog().trim()));
      });
    });
  }

  /** Does nothing the second time. Links live on until destroyed. */
  close(): void {
    if (this.#handle !== undefined) libbpf().bpf_object__close(this.#handle);
    this.#handle = undefined;
  }

  get #open(): Handle {
    if (this.#handle !== undefined) return this.#handle;
    throw new TraceError('failed', `object ${this.path} is closed`);
  }

  #all(next: (object: Handle, previous: Handle) => Handle): Handle[] {
    const found: Handle[] = [];
    for (let at = next(this.#open, 0); !isNull(at); at = next(this.#open, at)) found.push(at);
    return found;
  }

  /** The object's BTF with the offsets that libbpf has filled in: a copy. */
  #btf(): Uint8Array {
    const size = Buffer.from(new ArrayBuffer(4));
    const raw = libbpf().btf__raw_data(libbpf().bpf_object__btf(this.#open), size);
    const bytes = Buffer.alloc(size.readUInt32LE());
    libbpf().memcpy(bytes, raw, bytes.length);
    return bytes;
  }

  #missing(what: string, name: string, there: readonly { readonly name: string }[]): TraceError {
    const names = there.map((item) => item.name).join(', ');
    return new TraceError('missing', `${this.path} has no ${what} ${name}, it has ${names}`);
  }
}

function readObject(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw fileError('read', path, error);
  }
}

const BUILD = 'build the object again, or install the package again';
const OPEN_HINTS: Readonly<Record<string, string>> = {
  ENOENT: BUILD,
  EINVAL: BUILD,
  ENOEXEC: BUILD,
  LIBBPF_ERRNO__LIBELF: BUILD,
  LIBBPF_ERRNO__FORMAT: BUILD,
};
