import { existsSync } from 'node:fs';
import { libbpf } from './bindings.ts';
import { check, checkPointer } from './failure.ts';
import type { Handle } from './native.ts';

/** struct bpf_prog_info (uapi/linux/bpf.h) up to its member recursion_misses, and where that is. */
const INFO_BYTES = 216;
const RECURSION_MISSES = 208;

/** struct bpf_test_run_opts (bpf.h of libbpf), and where its member retval is. */
const RUN_BYTES = 80;
const RUN_RESULT = 56;

/** One program of an object; valid until the object is closed. */
export class Program {
  readonly #handle: Handle;
  readonly name: string;
  /** e.g. `kprobe/nf_hook_slow`. */
  readonly section: string;

  constructor(handle: Handle) {
    this.#handle = handle;
    this.name = libbpf().bpf_program__name(handle);
    this.section = libbpf().bpf_program__section_name(handle);
  }

  get isLoadedByDefault(): boolean {
    return libbpf().bpf_program__autoload(this.#handle);
  }

  /** Valid after the object was loaded. */
  get fd(): number {
    return check(`bpf_program__fd ${this.name}`, () => libbpf().bpf_program__fd(this.#handle));
  }

  /**
   * Runs that the kernel left out because the program was running on that CPU
   * already (struct bpf_prog_info). 0 on kernels that do not count them.
   */
  get recursionMisses(): number {
    const info = Buffer.alloc(INFO_BYTES);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(INFO_BYTES);
    const { fd } = this;
    check(`bpf_obj_get_info_by_fd ${this.name}`, () =>
      libbpf().bpf_obj_get_info_by_fd(fd, info, length),
    );
    return Number(info.readBigUInt64LE(RECURSION_MISSES));
  }

  /** Whether load() loads this program. Before load(), as all setters. */
  setAutoload(autoload: boolean): void {
    const operation = `bpf_program__set_autoload ${this.name}`;
    check(operation, () => libbpf().bpf_program__set_autoload(this.#handle, autoload));
  }

  /** Runs it once on this CPU, with no context (BPF_PROG_TEST_RUN); returns what it returned. */
  run(): number {
    const options = Buffer.alloc(RUN_BYTES);
    options.writeBigUInt64LE(BigInt(RUN_BYTES));
    const { fd } = this;
    check(`bpf_prog_test_run_opts ${this.name}`, () =>
      libbpf().bpf_prog_test_run_opts(fd, options),
    );
    return options.readUInt32LE(RUN_RESULT);
  }

  /** Attaches to what its section names. */
  attach(): Link {
    const operation = `bpf_program__attach ${this.name}`;
    const target = this.section.split('/').at(-1) ?? this.section;
    const call = () => libbpf().bpf_program__attach(this.#handle);
    return new Link(this.name, checkPointer(operation, call, symbolHint(target)));
  }

  attachKprobe(kernelFunction: string, options: { isReturn: boolean }): Link {
    const kind = options.isReturn ? 'kretprobe' : 'kprobe';
    const operation = `bpf_program__attach_kprobe ${this.name} as ${kind} of ${kernelFunction}`;
    const call = () =>
      libbpf().bpf_program__attach_kprobe(this.#handle, options.isReturn, kernelFunction);
    return new Link(this.name, checkPointer(operation, call, symbolHint(kernelFunction)));
  }
}

/** An attached program; it stays attached until `destroy()` or the end of the process. */
export class Link {
  #handle: Handle | undefined;
  readonly program: string;

  constructor(program: string, handle: Handle) {
    this.program = program;
    this.#handle = handle;
  }

  /** Does nothing the second time. */
  destroy(): void {
    const handle = this.#handle;
    if (handle === undefined) return;
    this.#handle = undefined;
    check(`bpf_link__destroy ${this.program}`, () => libbpf().bpf_link__destroy(handle));
  }
}

/** There where the kernel has kprobes (CONFIG_KPROBE_EVENTS), and libbpf attaches by it. */
const KPROBES = '/sys/bus/event_source/devices/kprobe';

/** What ENOENT may mean; other errno keep their own hint. */
function symbolHint(kernelFunction: string): (errno: string) => string | undefined {
  return (errno) => {
    if (errno !== 'ENOENT' && errno !== 'ESRCH') return undefined;
    if (!existsSync(KPROBES))
      return 'this kernel has no kprobes: boot one with CONFIG_KPROBE_EVENTS';
    return `no ${kernelFunction} here: load its module, or ask conntrail doctor`;
  };
}
