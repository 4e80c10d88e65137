/** Lines as a 6.18 kernel and conntrack 1.4.7 wrote them, changed so that no two fields are equal. */
import { describe, expect, it } from 'vitest';
import { parseEntries, parseEntryLine } from '../../src/table/parse-listing.ts';

const TCP =
  'ipv4     2 tcp      6 431999 ESTABLISHED src=10.0.0.1 dst=10.0.0.2 sport=5001 dport=80 packets=7 bytes=700 src=10.0.0.3 dst=10.0.0.4 sport=8080 dport=5002 packets=5 bytes=555 [ASSURED] mark=9 secctx=null zone=0 delta-time=12 use=2';
const UDP =
  'ipv4     2 udp      17 28 src=127.0.0.1 dst=127.0.0.9 sport=45800 dport=53 [UNREPLIED] src=127.0.0.2 dst=127.0.0.3 sport=5353 dport=45801 mark=0 zone=7 use=2';
const SPLIT =
  'ipv4     2 udp      17 98 src=10.0.0.1 dst=10.0.0.2 sport=1 dport=2 zone-orig=8 packets=0 bytes=0 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=2 dport=1 zone-reply=9 packets=0 bytes=0 mark=5 use=2';
const ICMP =
  'ipv4     2 icmp     1 28 src=127.0.0.1 dst=127.0.0.2 type=8 code=1 id=321 packets=1 bytes=84 src=127.0.0.2 dst=127.0.0.1 type=0 code=2 id=322 packets=1 bytes=85 mark=0 zone=0 delta-time=1 use=2';
const GRE =
  'ipv4     2 gre      47 98 timeout=0, stream_timeout=0 src=10.0.0.1 dst=10.0.0.2 srckey=0x3 dstkey=0x4 packets=0 bytes=0 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 srckey=0x4 dstkey=0x3 packets=0 bytes=0 mark=0 zone=0 delta-time=1 use=2';
const OTHER =
  'ipv4     2 unknown  99 98 src=10.0.0.1 dst=10.0.0.2 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 mark=0 zone=0 use=2';
const IPV6 =
  'ipv6     10 udp      17 98 src=fd00:0000:0000:0000:0000:0000:0000:0001 dst=fd00:0000:0000:0000:0000:0000:0000:0002 sport=1 dport=2 src=fd00:0000:0000:0000:0000:0000:0000:0002 dst=fd00:0000:0000:0000:0000:0000:0000:0001 sport=2 dport=1 mark=0 zone=0 use=2';
const OFFLOADED =
  'ipv4     2 tcp      6 src=10.0.0.1 dst=10.0.0.2 sport=5001 dport=80 packets=7 bytes=700 src=10.0.0.2 dst=10.0.0.1 sport=80 dport=5001 packets=5 bytes=555 [HW_OFFLOAD] mark=0 zone=0 use=3';

describe('a line of the conntrack table', () => {
  it('gives both tuples, what was counted, state, mark and age', () => {
    expect(parseEntryLine(TCP)).toEqual({
      family: 4,
      protocol: 6,
      original: { src: '10.0.0.1', dst: '10.0.0.2', srcPort: 5001, dstPort: 80 },
      reply: { src: '10.0.0.3', dst: '10.0.0.4', srcPort: 8080, dstPort: 5002 },
      zones: [0, 0],
      mark: 9,
      isExpected: null,
      status: 'ESTABLISHED [ASSURED]',
      timeoutS: 431999,
      packets: [7, 5],
      bytes: [700, 555],
      ageS: 12,
    });
  });

  it('tells without accounting and timestamps that nothing is known of them', () => {
    expect(parseEntryLine(UDP)).toMatchObject({
      ...{ zones: [7, 7], status: '[UNREPLIED]', timeoutS: 28 },
      ...{ packets: null, bytes: null, ageS: null },
    });
  });

  it('may have a zone in each direction', () => {
    expect(parseEntryLine(SPLIT)).toMatchObject({ zones: [8, 9], mark: 5 });
    expect(parseEntryLine(SPLIT.replace('zone-reply=9 ', ''))).toMatchObject({ zones: [8, 0] });
  });

  it('of ICMP has type, code and identifier in place of ports', () => {
    expect(parseEntryLine(ICMP)).toMatchObject({
      protocol: 1,
      original: { srcPort: 321, dstPort: 8 * 256 + 1 },
      reply: { srcPort: 322, dstPort: 2 },
    });
  });

  it('of GRE has keys, of other protocols nothing', () => {
    expect(parseEntryLine(GRE)).toMatchObject({
      ...{ protocol: 47, timeoutS: 98 },
      original: { srcPort: 3, dstPort: 4 },
    });
    expect(parseEntryLine(OTHER)).toMatchObject({
      protocol: 99,
      original: { src: '10.0.0.1', dst: '10.0.0.2', srcPort: 0, dstPort: 0 },
    });
  });

  it('of IPv6 is written out in full, and read as flows are shown', () => {
    const short = IPV6.replaceAll(':0000:0000:0000:0000:0000:0000:000', '::');
    for (const line of [IPV6, short]) {
      expect(parseEntryLine(line)).toMatchObject({
        family: 6,
        original: { src: 'fd00::1', dst: 'fd00::2' },
      });
    }
  });

  it('of an offloaded flow has no timeout', () => {
    expect(parseEntryLine(OFFLOADED)).toMatchObject({ timeoutS: null, status: '[HW_OFFLOAD]' });
  });

  it('that is none is left out', () => {
    const text = `${TCP}\nconntrack v1.4.7 (conntrack-tools): 1 flow entries have been shown.\n\n`;
    expect(parseEntries(text)).toHaveLength(1);
  });
});
