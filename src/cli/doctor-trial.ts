import { objectPath } from '../capture/object.ts';
import { canWalk, WALKING } from '../capture/plan.ts';
import type { Symbols } from '../kernel/symbols.ts';
import { TraceError } from '../model/error.ts';

/** How something that was really tried came out. */
export type Trial = { readonly worked: string } | { readonly error: TraceError };

const ATTACH_TO = { program: 'hook_enter', function: 'nf_hook_slow' } as const;

export function tryLibrary(): Promise<Trial> {
  return trial(async () => {
    const { libbpf } = await import('../libbpf/bindings.ts');
    return `libbpf ${libbpf().libbpf_version_string().replace(/^v/, '')}`;
  });
}

/** Loads every program a trace could ask for here and attaches one, switched off; all is taken back at once. */
export function tryTracing(symbols: Symbols): Promise<Trial> {
  return trial(async () => {
    const { BpfObject } = await import('../libbpf/bpf-object.ts');
    const object = BpfObject.open(objectPath('kprobe'));
    try {
      const left = canWalk((name) => symbols.has(name)) ? [] : WALKING;
      for (const name of left) object.program(name).setAutoload(false);
      object.load();
      const program = object.program(ATTACH_TO.program);
      program.attachKprobe(ATTACH_TO.function, { isReturn: false }).destroy();
      return `all programs loaded, one attached to ${ATTACH_TO.function}`;
    } finally {
      object.close();
    }
  });
}

/** Imports are part of what is tried: the FFI package may not be built for this machine. */
async function trial(attempt: () => Promise<string>): Promise<Trial> {
  try {
    return { worked: await attempt() };
  } catch (cause) {
    if (cause instanceof TraceError) return { error: cause };
    const [line = ''] = String(cause instanceof Error ? cause.message : cause).split('\n');
    const hint = 'install the package again with its scripts: npm ci';
    return { error: new TraceError('failed', line, { hint, cause }) };
  }
}
