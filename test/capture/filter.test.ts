import { describe, expect, it } from 'vitest';
import { describeFilter, encodeFilter, parseFilter } from '../../src/capture/filter.ts';
import { addressBytes } from '../../src/capture/prefix.ts';
import { filterTerms, filterTermsBytes } from '../../src/wire/layout.ts';

describe('filter text', () => {
  const same = [
    'tcp',
    'ip',
    'ip6',
    'icmp',
    'icmp6',
    'sctp',
    'proto 47',
    'ip and tcp',
    'ip6 and proto 47',
    'host 10.0.0.1',
    'udp and host 10.0.0.1 and port 53',
    'tcp and src host 10.0.0.1 and dst net 192.168.0.0/16 and src port 1024 and dst port 80',
    'net 2001:db8::/32 and port 443',
    'icmp and host 10.0.0.1',
  ];
  for (const text of same) {
    it(`describes "${text}" as it was written`, () => {
      expect(describeFilter(parseFilter(text))).toBe(text);
    });
  }

  it('takes the short forms of pcap-filter(7)', () => {
    expect(describeFilter(parseFilter('tcp port 80'))).toBe('tcp and port 80');
    expect(describeFilter(parseFilter('src 10.0.0.1 && dst 10.0.0.2'))).toBe(
      'src host 10.0.0.1 and dst host 10.0.0.2',
    );
    expect(describeFilter(parseFilter('proto udp'))).toBe('udp');
    expect(describeFilter(parseFilter('ip host 10.0.0.1'))).toBe('host 10.0.0.1');
  });

  it('asks for nothing when empty', () => {
    expect(parseFilter('  ')).toEqual({});
    expect(describeFilter({})).toBe('');
  });
});

describe('filter errors', () => {
  const cases = {
    'tpc and port 80':
      'filter: found "tpc" at column 1, needed ip, ip6, tcp, udp, sctp, icmp, icmp6, proto, src, dst, host, net or port',
    'tcp or udp': 'filter: found "or" at column 5, needed and',
    'tcp and': 'filter: found the end, needed ip, ip6, tcp,',
    'not tcp': 'filter: found "not" at column 1',
    '(tcp)': 'filter: found "(" at column 1',
    'port 70000': 'filter: found "70000" at column 6, needed a port from 1 to 65535',
    'port 0': 'filter: found "0" at column 6',
    'port http': 'filter: found "http" at column 6',
    'host example.org': 'filter: found "example.org" at column 6, needed an IPv4 or IPv6 address',
    'host 10.0.0.0/8': 'filter: found "10.0.0.0/8" at column 6, needed an IPv4 or IPv6 address',
    'host fe80::1%eth0': 'filter: found "fe80::1%eth0" at column 6',
    'net 10.0.0.1/8': 'with no bits set behind the prefix',
    'net 10.0.0.0/33': 'needed address/bits',
    'net 10.0.0.0': 'needed address/bits',
    'src tcp': 'filter: found "tcp" at column 5, needed host, net, port or an address',
    'proto 0': 'needed a protocol number from 1 to 255',
    'tcp and udp': 'needed no second protocol: all terms must hold at once',
    'ip and host ::1': 'needed no second address family',
    'port 80 and port 81': 'needed no second port without src or dst',
    'icmp and port 7': 'needed no port together with icmp',
    'host 10.0.0.1 port 80': 'filter: found "port" at column 15, needed and',
    host: 'filter: found the end, needed an IPv4 or IPv6 address',
  };
  for (const [text, message] of Object.entries(cases)) {
    it(`refuses "${text}"`, () => {
      expect(() => parseFilter(text)).toThrow(message);
    });
  }
});

describe('filter bytes', () => {
  const at = (bytes: Uint8Array, start: number) => [...bytes.subarray(start, start + 16)];

  it('is all zero without terms', () => {
    expect([...encodeFilter({})]).toEqual(new Array(filterTermsBytes).fill(0));
  });

  it('puts every term at its own place', () => {
    const filter = parseFilter(
      'tcp and host 10.1.2.3 and src net 172.16.0.0/12 and dst host 9.8.7.6 and port 258 and src port 772 and dst port 1286',
    );
    const bytes = encodeFilter(filter);
    const mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
    const ones = new Array(12).fill(0xff);
    expect(at(bytes, filterTerms.addr)).toEqual([...mapped, 10, 1, 2, 3]);
    expect(at(bytes, filterTerms.addrMask)).toEqual([...ones, 255, 255, 255, 255]);
    expect(at(bytes, filterTerms.src)).toEqual([...mapped, 172, 16, 0, 0]);
    expect(at(bytes, filterTerms.srcMask)).toEqual([...ones, 255, 240, 0, 0]);
    expect(at(bytes, filterTerms.dst)).toEqual([...mapped, 9, 8, 7, 6]);
    const ports = [filterTerms.port, filterTerms.srcPort, filterTerms.dstPort];
    expect(ports.map((port) => bytes[port]! | (bytes[port + 1]! << 8))).toEqual([258, 772, 1286]);
    expect(bytes[filterTerms.l4proto]).toBe(6);
    expect(bytes[filterTerms.family]).toBe(4);
    const flags = [filterTerms.active, filterTerms.hasAddr, filterTerms.hasSrc, filterTerms.hasDst];
    expect(flags.map((flag) => bytes[flag])).toEqual([1, 1, 1, 1]);
  });

  it('leaves out what was not asked', () => {
    const bytes = encodeFilter(parseFilter('dst host 2001:db8::7'));
    expect([
      bytes[filterTerms.hasAddr],
      bytes[filterTerms.hasSrc],
      bytes[filterTerms.hasDst],
    ]).toEqual([0, 0, 1]);
    expect(at(bytes, filterTerms.dst)).toEqual([
      0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7,
    ]);
    expect(bytes[filterTerms.family]).toBe(6);
  });

  it('reads every way to write an IPv6 address', () => {
    expect([...addressBytes('::')]).toEqual(new Array(16).fill(0));
    expect([...addressBytes('1:2:3:4:5:6:7:8')]).toEqual([
      0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8,
    ]);
    expect([...addressBytes('64:ff9b::1.2.3.4')].slice(12)).toEqual([1, 2, 3, 4]);
    expect([...addressBytes('fe80::')].slice(0, 2)).toEqual([0xfe, 0x80]);
  });
});
