/** Crafted packets, from the IP header on. */
import { addressBytes } from '../../src/capture/prefix.ts';

export interface Crafted {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** As sent; the bytes may be fewer. */
  readonly length: number;
}

function u16(value: number): number[] {
  return [value >>> 8, value & 255];
}

interface Ip {
  readonly src?: string;
  readonly dst?: string;
  readonly ttl?: number;
  readonly tos?: number;
  readonly options?: number;
  /** Offset in units of 8 bytes, with the bits of flags above. */
  readonly fragment?: number;
}

function ipv4(protocol: number, payload: number[], ip: Ip = {}): number[] {
  const { src = '10.0.0.1', dst = '10.0.0.2', ttl = 64, tos = 0, options = 0, fragment = 0 } = ip;
  return [
    0x45 + options,
    tos,
    ...u16(20 + options * 4 + payload.length),
    ...u16(0x1234),
    ...u16(fragment),
    ttl,
    protocol,
    0xab,
    0xcd,
    ...addressBytes(src).subarray(12),
    ...addressBytes(dst).subarray(12),
    ...new Array(options * 4).fill(1),
    ...payload,
  ];
}

function ipv6(next: number, payload: number[], { src = 'fd00::1', dst = 'fd00::2' }: Ip = {}) {
  return [
    0x60,
    0x12,
    0x34,
    0x56,
    ...u16(payload.length),
    next,
    61,
    ...addressBytes(src),
    ...addressBytes(dst),
    ...payload,
  ];
}

function tcp(from: number, to: number, flags: number, data = 0): number[] {
  const sequence = [1, 2, 3, 4, 5, 6, 7, 8];
  const rest = [0x50, flags, 0x20, 0, 0xbe, 0xef, 0, 0];
  return [...u16(from), ...u16(to), ...sequence, ...rest, ...new Array(data).fill(0x47)];
}

function udp(from: number, to: number, data: number[]): number[] {
  return [...u16(from), ...u16(to), ...u16(8 + data.length), 0, 0, ...data];
}

const ECHO = [8, 0, 0x11, 0x22, 0, 7, 0, 1, 9, 9];
const SYN = 2;
const SYN_ACK = 0x12;
const DATA = Array.from({ length: 120 }, (_, index) => index);
const HOP_BY_HOP = [17, 0, 1, 4, 0, 0, 0, 0];
const ROUTING = [60, 0, 0, 0, 0, 0, 0, 0];
const DESTINATION = [6, 0, 1, 4, 0, 0, 0, 0];

function crafted(name: string, bytes: number[], captured = bytes.length): Crafted {
  return { name, bytes: Uint8Array.from(bytes).subarray(0, captured), length: bytes.length };
}

export const PACKETS: readonly Crafted[] = [
  crafted('tcp syn to 80', ipv4(6, tcp(40_000, 80, SYN))),
  crafted('tcp syn-ack from 80', ipv4(6, tcp(80, 40_000, SYN_ACK), { ttl: 3 })),
  crafted('tcp data to 443', ipv4(6, tcp(50_123, 443, 0x18, 150), { dst: '192.168.7.9' })),
  crafted('tcp with options', ipv4(6, tcp(1024, 8080, SYN), { options: 3, tos: 0x10 })),
  crafted('udp to 53', ipv4(17, udp(5353, 53, [0xaa, 0xbb, 1, 0, 0, 1]))),
  crafted('udp with data', ipv4(17, udp(6000, 5300, DATA), { src: '172.16.3.4' })),
  crafted('udp captured in part', ipv4(17, udp(6000, 5300, DATA)), 60),
  crafted('udp header cut', ipv4(17, udp(6000, 53, DATA)), 21),
  crafted('first fragment', ipv4(17, udp(700, 53, DATA), { fragment: 0x2000 })),
  crafted('later fragment', ipv4(17, udp(700, 53, DATA), { fragment: 0x2010 })),
  crafted('icmp echo', ipv4(1, ECHO, { ttl: 1 })),
  crafted('icmp unreachable', ipv4(1, [3, 3, 0, 0, 0, 0, 0, 0, ...ipv4(17, udp(9, 8, []))])),
  crafted('gre', ipv4(47, [0, 0, 8, 0, 1, 2, 3, 4])),
  crafted('sctp', ipv4(132, [0x13, 0x88, 0x13, 0x89, 0, 0, 0, 1, 0, 0, 0, 0])),
  crafted('ip6 tcp', ipv6(6, tcp(44_444, 80, SYN))),
  crafted('ip6 udp', ipv6(17, udp(53, 1234, DATA), { src: '2001:db8::53' })),
  crafted('ip6 icmp', ipv6(58, [128, 0, 1, 2, 0, 9, 0, 1])),
  crafted('ip6 hop-by-hop udp', ipv6(0, [...HOP_BY_HOP, ...udp(99, 53, [])])),
  crafted('ip6 chain tcp', ipv6(43, [...ROUTING, ...DESTINATION, ...tcp(1, 80, SYN)])),
  crafted('ip6 fragment', ipv6(44, [17, 0, 0, 8, 0, 0, 0, 1, ...udp(99, 53, DATA)])),
  crafted('ah tcp', ipv4(51, [6, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, ...tcp(7, 80, SYN)])),
  crafted('ip header cut', ipv4(6, tcp(1, 2, SYN)), 15),
  crafted('nothing', []),
];
