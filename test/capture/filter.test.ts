import { describe, expect, it } from 'vitest';
import { forFlowsAlone, readFilter } from '../../src/capture/filter.ts';
import { addressBytes } from '../../src/capture/prefix.ts';
import { filterTerms, filterTermsBytes } from '../../src/wire/layout.ts';

const read = (filter: string) => readFilter({ filter });

describe('an expression about flows', () => {
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
    '(tcp or udp)',
    '(icmp or icmp6)',
    'host 10.0.0.1',
    'udp and host 10.0.0.1 and port 53',
    'tcp and src host 10.0.0.1 and dst net 192.168.0.0/16 and src port 1024 and dst port 80',
    'net 2001:db8::/32 and port 443',
    'icmp and host 10.0.0.1',
    '(host 10.0.0.1 or host fd00::1 or net 10.1.0.0/16)',
    'tcp and (port 80 or portrange 8000-8080)',
    '(src host 10.0.0.1 or src net 10.2.0.0/16) and (dst port 1 or dst portrange 7-9)',
  ];
  it.each(same)('is described as it was written: %s', (text) => {
    expect(read(text)).toMatchObject({ text, program: undefined });
  });

  it.each([
    ['tcp port 80', 'tcp and port 80'],
    ['src 10.0.0.1 && dst 10.0.0.2', 'src host 10.0.0.1 and dst host 10.0.0.2'],
    ['proto udp', 'udp'],
    ['ip host 10.0.0.1', 'host 10.0.0.1'],
    ['port 80 or 443', '(port 80 or port 443)'],
    ['tcp port 80 or 443', 'tcp and (port 80 or port 443)'],
    ['host 10.0.0.1 or fd00::7', '(host 10.0.0.1 or host fd00::7)'],
    ['tcp || udp', '(tcp or udp)'],
    ['  (tcp)\n and  port 80', 'tcp and port 80'],
    ['portrange 9-3', 'portrange 3-9'],
    ['tcp and tcp', 'tcp'],
  ])('has a canonical text: %s', (text, canonical) => {
    expect(read(text)).toMatchObject({ text: canonical, program: undefined });
    expect(read(canonical).text).toBe(canonical);
    expect(read(canonical).terms).toEqual(read(text).terms);
  });

  it('asks for nothing when empty', () => {
    const nothing = { text: '', terms: new Uint8Array(filterTermsBytes), program: undefined };
    expect(read('  ')).toEqual(nothing);
    expect(readFilter({})).toEqual(nothing);
  });
});

describe('any other expression', () => {
  it.each([
    'tcp or udp and port 53',
    'not tcp',
    'host 10.0.0.1 and host 10.0.0.2',
    'src host 10.0.0.1 or dst port 80',
    'tcp dst port 80 or udp dst port 53',
    'tcp[13] & 2 != 0',
    'ip or ip6',
    'port 80 and port 81',
    `port ${Array.from({ length: 17 }, (_, index) => index + 1).join(' or ')}`,
  ])('is compiled, and said as it was written: %s', (text) => {
    const { terms, program, text: said } = read(text);
    expect(said).toBe(text);
    expect(program!.length).toBeGreaterThan(0);
    expect([
      terms[filterTerms.pcap],
      terms[filterTerms.byPacket],
      terms[filterTerms.byFlow],
    ]).toEqual([1, 1, 0]);
  });

  it.each([
    ['tpc and port 80', "can't parse filter expression: syntax error"],
    ['tcp and', "can't parse filter expression: syntax error"],
    ['tcp and udp', 'expression rejects all packets'],
    ['ip and host ::1', 'expression rejects all packets'],
    ['host 10.0.0.0/8', 'Mask syntax for networks only'],
    ['net 10.0.0.1/8', 'non-network bits set'],
    ['port 70000', 'illegal port number 70000 > 65535'],
    ['ip broadcast', "netmask not known, so 'ip broadcast' not supported"],
  ])('is refused in one line with what libpcap says: %s', (text, said) => {
    const refused = () => read(text);
    expect(refused).toThrow(`filter: found "${text}", libpcap says: `);
    expect(refused).toThrow(said);
    expect(refused).toThrow(/^[^\n]*, needed an expression of pcap-filter\(7\)$/);
  });
});

describe('the bytes of flow terms', () => {
  const at = (bytes: Uint8Array, start: number) => [...bytes.subarray(start, start + 16)];
  const ports = (bytes: Uint8Array, start: number) => [
    bytes[start]! | (bytes[start + 1]! << 8),
    bytes[start + 2]! | (bytes[start + 3]! << 8),
  ];

  it('have every term at its own place', () => {
    const { terms } = read(
      'tcp and (host 10.1.2.3 or host 10.1.2.4) and src net 172.16.0.0/12 and dst host 9.8.7.6 and (port 258 or portrange 300-400) and src port 772 and dst port 1286',
    );
    const mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
    const ones = new Array(12).fill(0xff);
    expect(at(terms, filterTerms.host)).toEqual([...mapped, 10, 1, 2, 3]);
    expect(at(terms, filterTerms.host + 16)).toEqual([...ones, 255, 255, 255, 255]);
    expect(at(terms, filterTerms.host + 32)).toEqual([...mapped, 10, 1, 2, 4]);
    expect(at(terms, filterTerms.srcHost)).toEqual([...mapped, 172, 16, 0, 0]);
    expect(at(terms, filterTerms.srcHost + 16)).toEqual([...ones, 255, 240, 0, 0]);
    expect(at(terms, filterTerms.dstHost)).toEqual([...mapped, 9, 8, 7, 6]);
    expect(ports(terms, filterTerms.port)).toEqual([258, 258]);
    expect(ports(terms, filterTerms.port + 4)).toEqual([300, 400]);
    expect(ports(terms, filterTerms.srcPort)).toEqual([772, 772]);
    expect(ports(terms, filterTerms.dstPort)).toEqual([1286, 1286]);
    expect([...terms.subarray(filterTerms.protocol, filterTerms.protocol + 4)]).toEqual([
      6, 0, 0, 0,
    ]);
    const { hosts, srcHosts, dstHosts, srcPorts, dstPorts, protocols, byFlow, byPacket } =
      filterTerms;
    expect(
      [
        hosts,
        srcHosts,
        dstHosts,
        filterTerms.ports,
        srcPorts,
        dstPorts,
        protocols,
        byFlow,
        byPacket,
      ].map((count) => terms[count]),
    ).toEqual([2, 1, 1, 2, 1, 1, 1, 1, 0]);
  });

  it('say the family where a word does', () => {
    const { terms } = read('(icmp or icmp6 or udp)');
    const { protocol } = filterTerms;
    expect([...terms.subarray(protocol, protocol + 6)]).toEqual([1, 4, 58, 6, 17, 0]);
    expect(read('ip6 and tcp').terms[filterTerms.family]).toBe(6);
  });

  it('leave out what was not asked', () => {
    const { terms } = read('dst host 2001:db8::7');
    expect(at(terms, filterTerms.dstHost)).toEqual([
      0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7,
    ]);
    expect([terms[filterTerms.hosts], terms[filterTerms.srcHosts]]).toEqual([0, 0]);
    expect(terms[filterTerms.dstHosts]).toBe(1);
  });

  it('hold every way to write an IPv6 address', () => {
    expect([...addressBytes('::')]).toEqual(new Array(16).fill(0));
    expect([...addressBytes('1:2:3:4:5:6:7:8')]).toEqual([
      0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8,
    ]);
    expect([...addressBytes('64:ff9b::1.2.3.4')].slice(12)).toEqual([1, 2, 3, 4]);
    expect([...addressBytes('fe80::')].slice(0, 2)).toEqual([0xfe, 0x80]);
  });
});

describe('a filter for flows alone', () => {
  const ask = (words: Parameters<typeof readFilter>[0]) => forFlowsAlone(readFilter(words), words);

  it('asks entries for what they have, and no packets', () => {
    const words = { filter: 'udp and port 53', netns: '4026531840', zone: '7' };
    expect(readFilter(words).terms[filterTerms.byPacket]).toBe(1);
    const { terms, text } = ask(words);
    expect(terms[filterTerms.byPacket]).toBe(0);
    expect(terms[filterTerms.byFlow]).toBe(1);
    expect([terms[filterTerms.namespaces], terms[filterTerms.zones]]).toEqual([1, 1]);
    expect(text).toContain('--zone 7');
  });

  it.each([
    [{ interface: 'eth0' }, '--interface'],
    [{ mark: '3' }, '--mark'],
    [{ state: 'new' }, '--state'],
    [{ direction: 'reply' }, '--direction'],
    [{ newOnly: true }, '--new-only'],
    [{ hook: 'forward', netns: '4026531840' }, '--hook'],
    [{ filter: 'len > 100' }, "--filter 'len > 100'"],
  ] as const)('refuses what only a packet has: %o', (words, name) => {
    expect(() => ask(words)).toThrow(`found --detail flows with ${name}, needed what a flow has`);
  });
});
