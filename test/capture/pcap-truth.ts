/** libpcap's own word on whether a packet matches. */
import { bindLibrary } from '../../src/libbpf/native.ts';
import type { Crafted } from './packets.ts';

const pcap = bindLibrary('libpcap.so.0.8', {
  pcap_open_dead: ['uint64', ['int', 'int']],
  pcap_compile: ['int', ['uint64', 'pointer', 'string', 'int', 'uint32']],
  pcap_offline_filter: ['int', ['pointer', 'pointer', 'pointer']],
  pcap_freecode: ['void', ['pointer']],
  pcap_close: ['void', ['uint64']],
});

export function libpcapMatches(expression: string, packets: readonly Crafted[]): boolean[] {
  const handle = pcap.pcap_open_dead(12, 65535);
  const program = Buffer.alloc(16);
  if (pcap.pcap_compile(handle, program, expression, 1, 0xffffffff) < 0)
    throw new Error(`libpcap refuses ${expression}`);
  const matches = packets.map(({ bytes, length }) => {
    const header = Buffer.alloc(24);
    header.writeUInt32LE(bytes.length, 16);
    header.writeUInt32LE(length, 20);
    const packet = Buffer.concat([bytes, Buffer.alloc(1)]);
    return pcap.pcap_offline_filter(program, header, packet) !== 0;
  });
  pcap.pcap_freecode(program);
  pcap.pcap_close(handle);
  return matches;
}
