/**
 * libpcap's compiler of pcap-filter(7), one to one; loaded only when an
 * expression needs it.
 *
 * Not exposed: pcap_open_live and all that captures; pcap_offline_filter, since
 * the expression runs in the kernel.
 */
import { TraceError } from '../model/error.ts';
import { libc } from './bindings.ts';
import { type BoundLibrary, bindLibrary, isNull } from './native.ts';

const PCAP = {
  // pcap_t *pcap_open_dead(int linktype, int snaplen)
  pcap_open_dead: ['uint64', ['int', 'int']],
  // int pcap_compile(pcap_t *p, struct bpf_program *fp, const char *str, int optimize, bpf_u_int32 netmask)
  pcap_compile: ['int', ['uint64', 'pointer', 'string', 'int', 'uint32']],
  // char *pcap_geterr(pcap_t *p)
  pcap_geterr: ['string', ['uint64']],
  // void pcap_freecode(struct bpf_program *fp)
  pcap_freecode: ['void', ['pointer']],
  // void pcap_close(pcap_t *p)
  pcap_close: ['void', ['uint64']],
} as const;

const LIBRARY = 'libpcap.so.0.8';
const DLT_RAW = 12; // begins with the IP header
const SNAPLEN = 65535;
const NETMASK_UNKNOWN = 0xffffffff;
/** struct bpf_program: u_int bf_len, struct bpf_insn *bf_insns. */
const PROGRAM = { bytes: 16, length: 0, instructions: 8 };
/** struct bpf_insn. */
const CBPF_BYTES = 8;

let loaded: BoundLibrary<typeof PCAP> | undefined;

/** Exported for its test. */
export function loadPcap(path: string): BoundLibrary<typeof PCAP> {
  try {
    return bindLibrary(path, PCAP);
  } catch (cause) {
    throw new TraceError('missing', `${path} cannot be loaded, which this --filter needs`, {
      hint: 'apt-get install libpcap0.8',
      cause,
    });
  }
}

/** The classic BPF program of an expression, as an array of struct bpf_insn: a copy. */
export function compilePcap(expression: string): Uint8Array {
  loaded ??= loadPcap(LIBRARY);
  const pcap = loaded;
  const handle = pcap.pcap_open_dead(DLT_RAW, SNAPLEN);
  if (isNull(handle)) throw new TraceError('failed', 'pcap_open_dead: no memory');
  const program = Buffer.alloc(PROGRAM.bytes);
  try {
    if (pcap.pcap_compile(handle, program, expression, 1, NETMASK_UNKNOWN) < 0) {
      throw refusal(expression, pcap.pcap_geterr(handle));
    }
    const bytes = Buffer.alloc(program.readUInt32LE(PROGRAM.length) * CBPF_BYTES);
    const from = program.readBigUInt64LE(PROGRAM.instructions);
    libc().memcpy(bytes, from.toString(), bytes.length);
    pcap.pcap_freecode(program);
    return bytes;
  } finally {
    pcap.pcap_close(handle);
  }
}

function refusal(expression: string, said: string): TraceError {
  const message = `filter: found "${expression}", libpcap says: ${said}, needed an expression of pcap-filter(7)`;
  return new TraceError('usage', message, {
    hint: `man pcap-filter, or for example --filter 'tcp and (port 80 or port 443)'`,
  });
}
