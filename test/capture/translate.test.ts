/** Translated expressions, run here, beside libpcap's own interpreter and a plain one of ours. */
import { describe, expect, it } from 'vitest';
import { type Cbpf, decodeCbpf } from '../../src/capture/cbpf.ts';
import { translate } from '../../src/capture/translate.ts';
import { compilePcap } from '../../src/libbpf/index.ts';
import { runCbpf } from './cbpf-machine.ts';
import { EbpfMachine } from './ebpf-machine.ts';
import { PACKETS } from './packets.ts';
import { libpcapMatches } from './pcap-truth.ts';

const EXPRESSIONS = [
  'ip',
  'ip6',
  'tcp',
  'udp',
  'icmp',
  'icmp6',
  'sctp',
  'ah',
  'ip proto 47',
  'ip6 proto 17',
  'host 10.0.0.1',
  'src host 10.0.0.1',
  'dst host fd00::2',
  'host 10.0.0.2 and host 10.0.0.1',
  'net 172.16.0.0/12',
  'src net 192.168.0.0/16 or dst net 192.168.0.0/16',
  'net 2001:db8::/32',
  'net 10',
  'port 53',
  'src port 53',
  'dst port 80',
  'tcp port 80',
  'udp port 53',
  'tcp dst port 80 or udp dst port 53',
  'portrange 5000-6000',
  'src portrange 40000-50000',
  'tcp portrange 1-1024',
  'port 80 or 443',
  'host 10.0.0.2 and (port 80 or port 53)',
  'not tcp',
  'not (tcp or udp)',
  'not port 53 and not port 80',
  '!(ip6 and (tcp or icmp6)) && !icmp',
  '(tcp and (port 80 or (port 443 and not src port 50123))) or (udp and not (dst port 53 or dst port 5300))',
  'tcp[13] & 2 != 0',
  'tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn',
  'tcp[tcpflags] == tcp-syn|tcp-ack',
  'ip[8] < 5',
  'ip[8] >= 64',
  'ip[0] & 0xf != 5',
  'ip[6:2] & 0x1fff != 0',
  'ip[6:2] & 0x2000 != 0',
  'icmp[icmptype] == icmp-echo',
  'icmp[icmptype] = icmp-unreach',
  'icmp6[icmp6type] == icmp6-echo',
  'udp[8:2] == 0xaabb',
  'udp[8:4] & 0xffff0000 = 0xaabb0000',
  'udp[100] = 92',
  'udp[100:4] = 0x5c5d5e5f',
  'ip[96] = 68',
  'ip[95:2] > 1',
  'ip[1:4] & 0xff = 0x12',
  'ip[13:2] = 0',
  'ip6[6] = 0',
  'ip6[40] = 128',
  'len > 100',
  'len = 0',
  'greater 148',
  'less 60',
  'len - 20 > 100 or ip[2:2] = 28',
  'ip[2:2] - ((ip[0] & 0xf) << 2) - 8 > 100',
  'ip[2:2] / 10 = 4',
  'ip[3] % 7 = 1',
  'ip[8] * 4 = 12',
  'ip[8] / ip[1] > 1',
  'ip[8] % ip[1] = 0',
  '-ip[8] = -64',
  'ip[8] ^ 0x41 = 1',
  'ip[1] | 1 = 0x11',
  '1 << ip[8] = 2',
  '1 << ip[8] = 8',
  'ip[8] >> ip[9] = 1',
  '0x80000000 >> 31 = ip[8]',
  'ip[4:4] > 0x12340000',
  'ip[10:4] >= 0x80000000',
  'ip[10:2] > 0x7fff and ip[12:4] < 0x80000000',
  'ip[ip[0] & 15] = 1 or ip[len - 1] = 9',
  'ip[len - 10] = 8',
  'ip multicast or ip6 multicast or len < 30',
  'ip6 protochain 6',
  'ip6 protochain 17',
  'ip protochain 6',
  'tcp or ip6 protochain \\tcp',
  'ip[9] = 17 and ip[20:2] < ip[22:2] * 100 - ip[26] and len & 1 = 0',
];

interface Compiled {
  readonly cbpf: Cbpf[];
  readonly ebpf: Uint8Array;
}

const compiled = new Map<string, Compiled>();
function compile(expression: string): Compiled {
  const known = compiled.get(expression);
  if (known !== undefined) return known;
  const cbpf = decodeCbpf(compilePcap(expression));
  const made = { cbpf, ebpf: translate(cbpf) };
  compiled.set(expression, made);
  return made;
}

describe('a translated expression', () => {
  it.each(EXPRESSIONS)('matches what libpcap matches: %s', (expression) => {
    const { cbpf, ebpf } = compile(expression);
    const names = (isMatch: (index: number) => boolean) =>
      PACKETS.filter((_, index) => isMatch(index)).map(({ name }) => name);
    const truth = libpcapMatches(expression, PACKETS);
    const plain = PACKETS.map(({ bytes, length }) => runCbpf(cbpf, bytes, length));
    const ours = PACKETS.map(({ bytes, length }) => new EbpfMachine(ebpf, bytes, length).run());
    expect(names((index) => plain[index]!)).toEqual(names((index) => truth[index]!));
    expect(names((index) => ours[index]!.result !== 0)).toEqual(names((index) => truth[index]!));
  });

  it('is asked about packets of which it matches some and not others', () => {
    const counts = EXPRESSIONS.map(
      (expression) => libpcapMatches(expression, PACKETS).filter((isMatch) => isMatch).length,
    );
    expect(EXPRESSIONS.filter((_, index) => counts[index] === 0)).toEqual([]);
    expect(counts.filter((count) => count === PACKETS.length)).toEqual([]);
  });

  it('uses little of the stack and runs a few dozen instructions', () => {
    for (const expression of EXPRESSIONS) {
      for (const { bytes, length } of PACKETS) {
        const { stack, instructions } = new EbpfMachine(
          compile(expression).ebpf,
          bytes,
          length,
        ).run();
        expect(stack).toBeLessThanOrEqual(96);
        if (!expression.includes('chain')) expect(instructions).toBeLessThan(150);
      }
    }
  });
});

/** Random programs: operands at their edges, which no expression reaches. */
describe('arithmetic', () => {
  const EDGES = [0, 1, 2, 31, 32, 33, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];
  const operations = [0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x90, 0xa0];
  const comparisons = [0x15, 0x25, 0x35, 0x45];
  const ret = (k: number): Cbpf => ({ code: 0x06, jt: 0, jf: 0, k });
  const plain = (code: number, k = 0): Cbpf => ({ code, jt: 0, jf: 0, k });
  const same = (program: Cbpf[]) => {
    const bytes = new Uint8Array(4);
    const { result } = new EbpfMachine(translate(program), bytes, 4).run();
    expect({ program, result: result !== 0 }).toEqual({
      program,
      result: runCbpf(program, bytes, 4),
    });
  };

  it.each(operations)(
    'operation %i computes as libpcap does, with a constant and with X',
    (operation) => {
      for (const left of EDGES) {
        for (const right of EDGES) {
          for (const expected of [0, 1, left, right, (left + right) >>> 0]) {
            const check = [{ code: 0x15, jt: 0, jf: 1, k: expected }, ret(1), ret(0)];
            same([plain(0x01, right), plain(0x00, left), plain(0x0c | operation), ...check]);
            if (right === 0 && (operation === 0x30 || operation === 0x90)) continue;
            same([plain(0x00, left), plain(0x04 | operation, right), ...check]);
          }
        }
      }
    },
  );

  it.each(comparisons)('code %i compares without a sign', (code) => {
    for (const left of EDGES) {
      for (const right of EDGES) {
        for (const [jt, jf] of [
          [0, 1],
          [1, 0],
          [1, 1],
        ] as const) {
          same([plain(0x00, left), { code, jt, jf, k: right }, ret(0), ret(1)]);
          same([
            plain(0x01, right),
            plain(0x00, left),
            { code: code | 8, jt, jf, k: 0 },
            ret(1),
            ret(0),
          ]);
        }
      }
    }
  });

  it('keeps scratch cells apart, and returns A', () => {
    const store = Array.from({ length: 16 }, (_, cell) => [
      plain(0x00, cell + 1),
      plain(0x02, cell),
    ]).flat();
    for (let cell = 0; cell < 16; cell++) {
      same([
        ...store,
        plain(0x60, cell),
        { code: 0x15, jt: 0, jf: 1, k: cell + 1 },
        ret(1),
        ret(0),
      ]);
    }
    same([plain(0x01, 0), plain(0x03, 3), plain(0x60, 3), plain(0x16)]);
    same([plain(0x01, 5), plain(0x03, 3), plain(0x60, 3), plain(0x16)]);
    same([plain(0x01, 5), plain(0x87), plain(0x16)]);
  });
});

describe('a program that is not about the packet', () => {
  it.each(['inbound', 'ip[0] = 1 and outbound'])('is refused: %s', (expression) => {
    expect(() => translate(decodeCbpf(compilePcap(expression)))).toThrow(
      /^filter: found instruction \d+ with code 0x28 and k 0xfffff004 in what libpcap compiled, needed/,
    );
  });

  it('is refused where it jumps out of itself', () => {
    expect(() => translate([{ code: 0x05, jt: 0, jf: 0, k: 7 }])).toThrow('with code 0x5');
  });
});
