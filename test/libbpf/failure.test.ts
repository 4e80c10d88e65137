import { beforeAll, describe, expect, it } from 'vitest';
import { errnoName, failure, verifierTail } from '../../src/libbpf/failure.ts';
import { make } from '../native/build.ts';

beforeAll(() => make('native'));

/* As libbpf 1.1 writes it. */
const LOG = `libbpf: prog 'entered': BPF program load failed: Permission denied
libbpf: prog 'entered': -- BEGIN PROG LOAD LOG --
0: R1=ctx(off=0,imm=0) R10=fp0
; return *(int *)0;
0: (b7) r1 = 0                        ; R1_w=0
1: (61) r0 = *(u32 *)(r1 +0)
R1 invalid mem access 'scalar'
processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0
-- END PROG LOAD LOG --
libbpf: prog 'entered': failed to load: -13
libbpf: failed to load object '/x/fixture.bpf.o'`;

describe('failure', () => {
  it('carries what the verifier said last', () => {
    const refusal = failure('bpf_object__load x', 13, undefined, LOG);
    expect(refusal.message).toBe(
      "bpf_object__load x: EACCES (permission denied): program entered: 1: (61) r0 = *(u32 *)(r1 +0); R1 invalid mem access 'scalar'",
    );
    expect(refusal.code).toBe('unsupported');
    expect(refusal.hint).toBeUndefined();
    expect((refusal.cause as Error).message).toBe(LOG);
  });

  it('reads a verifier log whose start was cut off', () => {
    const cut = LOG.slice(LOG.indexOf('1: (61)'));
    expect(verifierTail(cut)).toBe("1: (61) r0 = *(u32 *)(r1 +0); R1 invalid mem access 'scalar'");
  });

  it('advises by errno', () => {
    const refusal = failure('bpf_map_create ring', 1);
    expect(refusal.message).toBe('bpf_map_create ring: EPERM (operation not permitted)');
    expect(refusal.code).toBe('permission');
    expect(refusal.hint).toBe('run as root, or with CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN');
  });

  it('prefers the advice of the operation', () => {
    expect(failure('x', 2, (errno) => `of ${errno}`).hint).toBe('of ENOENT');
  });

  it('knows the numbers that no libc knows', () => {
    expect(errnoName(524)).toBe('ENOTSUPP');
    expect(errnoName(4007)).toBe('LIBBPF_ERRNO__VERIFY');
    expect(errnoName(9999)).toBe('errno 9999');
    expect(failure('x', 9999).message).toBe('x: errno 9999');
  });
});
