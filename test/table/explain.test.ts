import { describe, expect, it } from 'vitest';
import { explainParsed, explainPasted } from '../../src/table/explain-record.ts';
import type { Explained } from '../../src/table/explain-shapes.ts';
import { TextReader } from '../../src/table/parse-text.ts';

const SNAT =
  'tcp 6 114 TIME_WAIT src=10.0.0.10 dst=10.8.2.12 sport=5536 dport=80 src=10.8.2.12 dst=192.168.1.2 sport=80 dport=5536 [ASSURED]';
const SYN =
  'tcp      6 117 SYN_SENT src=192.168.1.5 dst=192.168.1.35 sport=1031 dport=23 [UNREPLIED] src=192.168.1.35 dst=192.168.1.5 sport=23 dport=1031 use=1';

function explained(line: string): Explained {
  const [first, ...more] = explainPasted(line);
  expect(more).toEqual([]);
  return first!;
}

function factOf({ facts }: Explained, name: string): string | undefined {
  const found = facts.find((one) => one.name === name);
  return found === undefined ? undefined : [found.value, found.meaning].join(': ');
}

describe('an entry with source NAT', () => {
  const told = explained(SNAT);

  it('says so, and what its packets become in both directions', () => {
    expect(told.title).toBe(
      'tcp 10.0.0.10:5536 > 10.8.2.12:80, TIME_WAIT, source NAT to 192.168.1.2',
    );
    expect(told.nat).toEqual([
      'source NAT: 10.0.0.10 becomes 192.168.1.2, the port 5536 is kept; by snat or masquerade',
    ]);
    expect(told.next[0]).toMatch(
      /^original direction: .* leaves as 192.168.1.2:5536 > 10.8.2.12:80;/,
    );
    expect(told.next[1]).toMatch(
      /^reply direction: must come as 10.8.2.12:80 > 192.168.1.2:5536 and leaves as 10.8.2.12:80 > 10.0.0.10:5536;/,
    );
  });

  it('says that the nat chains are not run, but for a SYN that opens the flow again', () => {
    expect(told.next[0]).toContain('the nat chains are not run');
    expect(told.next[2]).toContain('a new one made, so that the nat chains are run once more');
  });

  it('says how long ago the last packet was, by the default timeout', () => {
    expect(factOf(told, 'timeout')).toContain('default 120: then the last packet was 6 s before');
  });

  it('has the command for it alone', () => {
    const selectors =
      '-f ipv4 -p tcp -s 10.0.0.10 -d 10.8.2.12 --sport 5536 --dport 80 -w 0 --orig-zone 0 --reply-zone 0';
    expect(told.look).toBe(`conntrack -L ${selectors}`);
    expect(told.delete).toBe(`conntrack -D ${selectors}`);
  });
});

describe('an entry without NAT', () => {
  const line =
    'udp 17 119 src=10.0.0.1 dst=10.0.0.2 sport=5 dport=53 src=10.0.0.2 dst=10.0.0.1 sport=53 dport=5 [ASSURED]';

  it('is neither rewritten nor undone', () => {
    const [original = '', reply = ''] = explained(line).next;
    expect(original).toMatch(
      / and stays so; ct state established: that there is no NAT is stored, the nat chains are/,
    );
    expect(reply).toMatch(/ and stays so; ct state established: nothing is to be undone, no nat/);
    const nated = explained(line.replace('dport=5 ', 'dport=6 ')).next;
    expect(nated[0]).toContain('rewritten from the stored mapping');
    expect(nated[1]).toContain('the mapping is undone');
  });
});

describe('what no kernel prints', () => {
  const UDP =
    'udp 17 29 src=10.0.0.1 dst=10.0.0.2 sport=5 dport=53 src=10.0.0.2 dst=10.0.0.1 sport=53 dport=5';

  it.each([
    [UDP.replace('29 ', '29 ESTABLISHED '), 'found state ESTABLISHED of udp, needed none'],
    [UDP.replace('17', '6'), 'found udp with the number 6, needed udp 17, or another name'],
    [UDP.replace('udp', 'tcp'), 'found tcp with the number 17, needed tcp 6, or another name'],
    [SYN.replace('SYN_SENT', 'FOO'), 'found state FOO of tcp, needed one of NONE, SYN_SENT, '],
    [`ipv4 2 ${SYN.replace('SYN_SENT', 'SHUTDOWN_SENT')}`, 'found state SHUTDOWN_SENT of tcp'],
    [`-A -p udp -s 10.0.0.1 -d 10.0.0.2 --sport 5 --dport 6 --state CLOSE -t 9`, 'CLOSE of udp'],
    [UDP.replace('29', '-29'), 'found timeout -29, needed seconds, 0 or more'],
    [UDP.replaceAll(/ [sd]port=\d+/g, ''), 'found udp without sport=, needed both ends'],
    [UDP.replace(' dport=5', ''), 'found udp without dport=, needed both ends'],
    ['sctp 132 9 src=10.0.0.1 dst=10.0.0.2 sport=7 src=10.0.0.2 dst=10.0.0.1', 'sctp without'],
    ['icmp 1 9 src=10.0.0.1 dst=10.0.0.2 src=10.0.0.2 dst=10.0.0.1', 'found icmp without type='],
  ])('%s is named', (line, found) => {
    expect(explained(line).title).toContain(`not known: found `);
    expect(explained(line).title).toContain(found);
  });

  it.each([SYN.replace('SYN_SENT', 'LISTEN'), SNAT.replace('tcp 6', 'unknown 6')])(
    'is not %s',
    (line) => {
      expect(explained(line).title).toMatch(/^tcp /);
    },
  );

  it('is no port of a protocol that is known by addresses alone', () => {
    const told = explained(
      'unknown 132 599 src=10.0.0.1 dst=10.0.0.2 [UNREPLIED] src=10.0.0.2 dst=10.0.0.9 use=1',
    );
    expect(told.title).toBe('sctp 10.0.0.1 > 10.0.0.2, unreplied, source NAT to 10.0.0.9');
    expect(told.nat).toEqual(['source NAT: 10.0.0.1 becomes 10.0.0.9; by snat or masquerade']);
    expect(factOf(told, 'protocol')).toContain('all between two hosts is one flow');
    expect(told.rewritten[0]).toMatchObject({ before: { port: null }, after: { port: null } });
    expect(told.record).toMatchObject({ hasNumbers: false });
    expect(told.next.join()).not.toMatch(/:0\b/);
  });
});

describe('a SYN that nobody has answered', () => {
  const told = explained(SYN);

  it('is new to rules still, but not to the nat chains', () => {
    expect(told.title).toBe('tcp 192.168.1.5:1031 > 192.168.1.35:23, SYN_SENT, unreplied, no NAT');
    expect(told.next[0]).toMatch(/ct state new as the first one.*the nat chains are not run/);
    expect(told.nat[0]).toMatch(/^no NAT: /);
    expect(factOf(told, '[UNREPLIED]')).toContain('a full table evicts such entries first');
    expect(told.advice[0]).toContain('no answer to the SYN passed here');
  });
});

describe('what NAT an entry shows', () => {
  const udp = (reply: string): string =>
    explained(`udp 17 20 src=10.0.0.1 dst=10.0.0.2 sport=5 dport=53 ${reply}`)
      .title.split(', ')
      .slice(1)
      .join(', ');

  it.each([
    ['src=10.0.0.2 dst=10.0.0.1 sport=53 dport=5', 'no NAT'],
    ['src=10.0.0.2 dst=10.0.0.1 sport=53 dport=6', 'source port changed to 6'],
    ['src=10.0.0.2 dst=10.0.0.9 sport=53 dport=6', 'source NAT to 10.0.0.9:6'],
    ['src=10.0.0.8 dst=10.0.0.1 sport=53 dport=5', 'destination NAT to 10.0.0.8'],
    ['src=10.0.0.2 dst=10.0.0.1 sport=5353 dport=5', 'destination port changed to 5353'],
    [
      'src=10.0.0.8 dst=10.0.0.9 sport=5353 dport=5',
      'source NAT to 10.0.0.9 and destination NAT to 10.0.0.8:5353',
    ],
  ])('%s: %s', (reply, nat) => {
    expect(udp(reply)).toBe(nat);
  });

  it('of ICMP may be an identifier, of GRE a key', () => {
    const icmp =
      'icmp 1 29 src=10.0.0.1 dst=10.0.0.2 type=8 code=0 id=77 src=10.0.0.2 dst=10.0.0.9 type=0 code=0 id=78';
    expect(explained(icmp).title).toContain('source NAT to 10.0.0.9, identifier 78');
    expect(explained(icmp.replace('id=78', 'id=77')).title).toMatch(/source NAT to 10.0.0.9$/);
    const gre =
      'gre 47 29 src=10.0.0.1 dst=10.0.0.2 srckey=0x1 dstkey=0x2 src=10.0.0.2 dst=10.0.0.1 srckey=0x2 dstkey=0x3';
    expect(explained(gre).title).toMatch(/source key changed to 3$/);
  });
});

describe('an entry that is not of the ordinary', () => {
  it('of a flowtable passes no hook, and has neither timeout nor state', () => {
    const told = explained(
      'ipv4 2 tcp 6 src=10.0.0.1 dst=10.0.0.2 sport=5001 dport=80 src=10.0.0.2 dst=10.0.0.1 sport=80 dport=5001 [OFFLOAD] mark=0 use=3',
    );
    expect(told.title).toContain('offloaded');
    expect(told.next[0]).toContain('pass no hook');
    expect(factOf(told, 'timeout')).toBeUndefined();
  });

  it('of a flowtable has no timeout, by which it is known where no flag is printed', () => {
    const told = explained(
      '-A -u SEEN_REPLY,ASSURED -s 10.1.0.2 -d 10.2.0.2 -r 10.2.0.2 -n 10.2.0.1 -p tcp --sport 54624 --dport 80 --reply-port-src 80 --reply-port-dst 54624',
    );
    expect(told.title).toBe('tcp 10.1.0.2:54624 > 10.2.0.2:80, offloaded, source NAT to 10.2.0.1');
    expect(told.next[0]).toContain('packets pass no hook');
  });

  it('that was deleted has no command, and the next packet makes a new one', () => {
    const told = explained(`[1796078336.105059]\t[DESTROY] ${SNAT} portid=77`);
    expect(told).toMatchObject({ look: null, delete: null });
    expect(told.next[0]).toContain('makes a new one, and the nat chains are run for it');
    expect(factOf(told, 'portid')).toMatch(/^77: /);
  });

  it('of XML that leaves out the numbers of ICMP has none either', () => {
    const told = explained(
      '<flow><meta direction="original"><layer3 protonum="2" protoname="ipv4"><src>10.0.0.12</src><dst>10.8.2.12</dst></layer3><layer4 protonum="1" protoname="icmp"></layer4></meta><meta direction="reply"><layer3 protonum="2" protoname="ipv4"><src>10.8.2.12</src><dst>10.0.0.12</dst></layer3><layer4 protonum="1" protoname="icmp"></layer4></meta><meta direction="independent"><timeout>29</timeout><mark>0</mark><use>1</use><id>3184053360</id><unreplied/></meta></flow>',
    );
    expect(told).toMatchObject({ look: null, delete: null });
    expect(factOf(told, 'original')).toContain('XML leaves out type, code and identifier');
  });

  it('of DCCP, whose states some versions name as those of SCTP, has them by their number', () => {
    const line =
      'dccp 33 29 ESTABLISHED src=10.0.0.1 dst=10.0.0.2 sport=5 dport=6 src=10.0.0.2 dst=10.0.0.1 sport=6 dport=5';
    expect(explained(line).record).toMatchObject({ state: 'OPEN' });
    expect(explained(line.replace('ESTABLISHED', 'CLOSING')).record).toMatchObject({
      state: 'CLOSING',
    });
  });

  it('of XML has states of SCTP and DCCP by their number: TCP has other names for it', () => {
    const xml = (protocol: number): string =>
      `<flow><meta direction="original"><layer3 protonum="2" protoname="ipv4"><src>10.0.0.12</src><dst>10.8.2.12</dst></layer3><layer4 protonum="${protocol}" protoname="x"><sport>4</sport><dport>99</dport></layer4></meta><meta direction="reply"><layer3 protonum="2" protoname="ipv4"><src>10.8.2.12</src><dst>10.0.0.12</dst></layer3><layer4 protonum="${protocol}" protoname="x"><sport>99</sport><dport>4</dport></layer4></meta><meta direction="independent"><state>FIN_WAIT</state><timeout>296</timeout><mark>0</mark></meta></flow>`;
    expect([33, 132, 6].map((protocol) => explained(xml(protocol)).record)).toMatchObject([
      { state: 'OPEN' },
      { state: 'ESTABLISHED' },
      { state: 'FIN_WAIT' },
    ]);
  });

  it('has mark, zones, labels and helper explained, each by its value', () => {
    const told = explained(
      `${SNAT} mark=16 zone=7 helper=ftp use=2 id=5 labels=web,vpn secctx=system_u:object_r:x`,
    );
    expect(factOf(told, 'mark')).toMatch(/^16 \(0x10\): /);
    expect(factOf(told, 'zone')).toMatch(/^7: /);
    expect(factOf(told, 'labels')).toMatch(/^web, vpn: /);
    expect(factOf(told, 'helper')).toMatch(/^ftp: /);
    expect(factOf(told, 'secctx')).toMatch(/^system_u:object_r:x: /);
    expect(told.delete).toMatch(/ -w 7$/);
  });
});

describe('an expectation as JSON', () => {
  const line =
    '298 proto=6 src=10.0.0.2 dst=10.0.0.1 sport=1536 dport=1537 mask-src=255.255.255.255 mask-dst=255.255.255.255 sport=0 dport=65535 master-src=10.0.0.1 master-dst=10.0.0.2 sport=1000 dport=1536 class=0 helper=ftp';
  const json =
    '{"netns":4026532177,"read_at":"1796135132685000000","news":"listed","family":4,"protocol":6,"src":"10.0.0.2","dst":"10.0.0.1","src_port":null,"dst_port":1537,"mask_src":"255.255.255.255","mask_dst":"255.255.255.255","mask_src_port":0,"mask_dst_port":65535,"master_src":"10.0.0.1","master_dst":"10.0.0.2","master_src_port":1000,"master_dst_port":1536,"zone":0,"timeout_s":298,"id":1042605839,"class":0,"helper":"ftp","permanent":false,"inactive":false,"userspace":false,"nat_address":null,"nat_port":null,"nat_direction":null}';

  it('says what the line of conntrack says, and when it was read', () => {
    const [told, said] = [explained(json), explained(line)];
    expect(factOf(told, 'at')).toMatch(/^1796135132.685000: /);
    const facts = told.facts.filter(({ name }) => name !== 'at');
    expect({ ...told, facts, record: { ...told.record, at: null } }).toEqual(said);
  });

  it('has its flags, and how it changed', () => {
    const other = json.replaceAll('false', 'true').replace('listed', 'destroy');
    expect(explained(other).record).toMatchObject({
      change: 'destroy',
      flags: ['PERMANENT', 'INACTIVE', 'USERSPACE'],
    });
  });
});

describe('statistics', () => {
  const BLOCK = `cpu=0   	found=0 invalid=130 ignore=4 insert=0 insert_failed=2 drop=2 early_drop=0 error=0 search_restart=9
cpu=1   	found=0 invalid=1 ignore=5 insert=0 insert_failed=0 drop=0 early_drop=0 error=0 search_restart=0`;

  it('are one block, summed over CPUs, with what to do about what has moved', () => {
    const told = explained(BLOCK);
    expect(told.title).toBe(
      'statistics of conntrack, 2 CPUs: invalid 131, ignore 9, insert_failed 2, drop 2, search_restart 9',
    );
    expect(factOf(told, 'invalid')).toMatch(/^131: .*ct state invalid/);
    expect(factOf(told, 'insert_failed')).toMatch(/all on CPU 0$/);
    expect(factOf(told, 'ignore')).toContain(
      'obsolete: the kernel counts it no longer, since 5.10',
    );
    expect(told.advice.map((text) => text.split(':')[0])).toEqual(
      expect.arrayContaining(['invalid', 'insert_failed', 'drop']),
    );
    expect(told.advice.join()).toContain('nf_conntrack_log_invalid=255');
  });

  it('of the oldest form are one counter a line', () => {
    expect(explained('entries   42\nsearched    7\ninsert_failed  1').title).toBe(
      'statistics of conntrack: searched 7, insert_failed 1',
    );
  });

  it('of /proc are hexadecimal, and named as conntrack names them', () => {
    const told = explained(
      'entries  clashres found new invalid ignore delete chainlength insert insert_failed drop early_drop icmp_error  expect_new expect_create expect_delete search_restart\n00000001  00000000 00000000 00000000 00000082 00000000 00000000 00000003 00000000 00000000 00000000 00000000 00000000  00000000 00000000 00000000 00000000',
    );
    expect(told.title).toBe('statistics of conntrack, 1 CPU: invalid 130, chaintoolong 3');
  });

  it('of expectations say so', () => {
    expect(explained('cpu=0   \texpect_new=0 expect_create=2 expect_delete=1 ').title).toBe(
      'statistics of conntrack of expectations, 1 CPU: expect_create 2, expect_delete 1',
    );
  });

  it('with a number that is none are named', () => {
    expect(explained('cpu=0 found=x').title).toBe(
      'not known: found found=x, needed a whole number',
    );
  });
});

describe('the kernel log', () => {
  it('of impossible TCP flags says which they were', () => {
    const told = explained(
      'nf_ct_proto_6: invalid tcp flag combination SRC=192.0.2.1 DST=192.0.2.2 LEN=40 TTL=64 PROTO=TCP SPT=4000 DPT=80 RES=0x00 SYN FIN URGP=0',
    );
    expect(told.title).toBe(
      'conntrack refused a packet of tcp 192.0.2.1:4000 > 192.0.2.2:80: invalid tcp flag combination',
    );
    expect(factOf(told, 'flags')).toMatch(/^SYN FIN: /);
    expect(told.next[0]).toContain('ct state invalid');
  });

  it.each([
    [
      'nf_ct_proto_6: packet (index 3) in dir 0 invalid, state SYN_SENT ',
      'refused',
      'ACK in original direction, in state SYN_SENT',
    ],
    [
      'nf_ct_proto_6: packet (index 0) in dir 0 ignored, state ESTABLISHED ',
      'kept',
      'SYN in original direction, in state ESTABLISHED',
    ],
    [
      'nf_ct_proto_6: SEQ is over upper bound 99 (over the window of the receiver) ',
      'refused',
      'beyond the window',
    ],
    [
      'nf_ct_proto_6: SEQ is under lower bound 9 (already ACKed data retransmitted) ',
      'kept',
      'sent again',
    ],
    [
      'nf_ct_tcp: SEQ is under the lower bound (already ACKed data retransmitted) ',
      'refused',
      'older than the window',
    ],
    // of 5.10, and of 7
    [
      'nf_ct_proto_6: invalid packet ignored in state ESTABLISHED  ',
      'kept',
      'out of step with what conntrack knows',
    ],
    ['nf_ct_proto_6: invalid state ', 'refused', 'impossible in this state'],
    ['nf_ct_proto_6: invalid new ', 'refused', 'belongs to no flow that is known'],
    ['nf_ct_proto_1: invalid icmp type ', 'refused', 'does not track'],
    ['nf_ct_proto_17: bad checksum ', 'refused', 'checksum is wrong'],
    ['nf_ct_icmp: short packet ', 'refused', 'shorter than its headers say'],
    ['nf_ct_proto_99: something new ', 'refused', 'the reason is not known here'],
  ])('%s', (line, fate, reason) => {
    const told = explained(`[12.5] ${line}IN=eth0 OUT= SRC=192.0.2.1 DST=192.0.2.2`);
    expect(told.title).toContain(fate === 'kept' ? 'complained of, and kept,' : 'refused a packet');
    expect(factOf(told, 'reason')).toContain(reason);
  });

  it.each([
    ['[1.5] nf_conntrack: nf_conntrack: table full, dropping packet', 'the table is full'],
    ['nf_conntrack: table full in netns 4026531840, dropping packet', 'the table is full'],
    ['nf_conntrack: expectation table full', 'no more expectations'],
    [
      'nf_ct_ftp: dropping packet: cannot add expectation IN= OUT= SRC=192.0.2.1 DST=192.0.2.2',
      'the helper ftp dropped a packet 192.0.2.1 > 192.0.2.2: cannot add expectation',
    ],
    [
      '[1.5] helper sip dropping packet: cannot parse IN= OUT= SRC=192.0.2.1 DST=192.0.2.2',
      'the helper sip dropped a packet 192.0.2.1 > 192.0.2.2: cannot parse',
    ],
    ['nf_conntrack version 0.5.0 (65536 buckets, 262144 max)', 'conntrack was loaded'],
  ])('%s', (line, title) => {
    expect(explained(line).title).toContain(title);
  });
});

describe('what is none of these', () => {
  it.each([
    ['hello', /^not known: found "hello", needed a line of conntrack/],
    ['tcp 6 114 TIME_WAIT', /needed src= and dst=$/],
    ['tcp 6 1 src=1.2.3.4', /found no dst= of the original direction/],
    ['tcp 6 1 src=1.2.3.4 dst=fd00::1 src=fd00::1 dst=1.2.3.4', /found addresses of IPv4 and IPv6/],
    [SNAT.replace('sport=5536', 'sport=65536'), /found sport=65536, needed a number up to 65535/],
    [SNAT.replace('10.0.0.10', '10.0.0.300'), /found src=10.0.0.300, needed an address/],
    ['-A -p nonesuch -s 1.2.3.4 -d 1.2.3.5', /found -p nonesuch, needed a protocol/],
    ['<flow><meta>', /^not known: found a <flow> without its end/],
    ['proto=6 src=', /^not known: found src=, needed an expectation/],
    ['{"src":"10.0.0.1","protocol":6}', /^not known: found no dst= of the original direction/],
    ['{"src":7,"protocol":"x"}', /^not known: found protocol=x, needed a number up to 255/],
    [
      '{"src":"10.0.0.1"',
      /^not known: found JSON that cannot be read \(.*\), needed a line of conntrail table list -o json$/,
    ],
    ['{"a":1}', /^not known: found JSON without src, needed a line of conntrail table list/],
    ['[{"src":"10.0.0.1"}]', /^not known: found "/],
  ])('%s', (line, title) => {
    expect(explained(line).title).toMatch(title);
  });

  it('keeps no other line from being explained, each with its number', () => {
    const told = [
      ...explainPasted(
        `\nhello\n${SNAT}\nconntrack v1.4.7 (conntrack-tools): 1 flow entries have been shown.\n${SYN}`,
      ),
    ];
    expect(told.map(({ line, record }) => [line, record.kind])).toEqual([
      [2, 'unknown'],
      [3, 'entry'],
      [5, 'entry'],
    ]);
  });
});

describe('text that comes in parts', () => {
  const text = `${SNAT}\r\ncpu=0 found=1 drop=0\ncpu=1 found=2 drop=0\n<flow>\n</flow>\nhello`;

  it('is explained the same wherever it is cut, and lines at once', () => {
    const whole = explainPasted(text).map(({ line, title }) => `${line} ${title}`);
    expect(whole).toHaveLength(4);
    for (let cut = 1; cut < text.length; cut++) {
      const reader = new TextReader();
      const parts = [text.slice(0, cut), text.slice(cut)].flatMap((part) => reader.add(part));
      const told = [...parts, ...reader.end()].map(explainParsed);
      expect(told.map(({ line, title }) => `${line} ${title}`)).toEqual(whole);
    }
    expect(new TextReader().add(`${SNAT}\n`)).toHaveLength(1);
    expect(new TextReader().add('cpu=0 found=1 drop=0\n')).toHaveLength(0);
  });

  it('counts lines as they were, also where one has several flows', () => {
    const flow = '<flow><meta></meta></flow>';
    expect(explainPasted(`${flow}${flow}\nhello`).map(({ line }) => line)).toEqual([1, 1, 2]);
  });
});

describe('arguments of conntrack', () => {
  it('that name no reply have that of the original direction, but for NAT', () => {
    const told = explained(
      'conntrack -I -p tcp -s 10.0.0.1 -d 10.0.0.2 --sport 5 --dport 80 --state ESTABLISHED -t 60 -u ASSURED,SEEN_REPLY --src-nat 10.0.0.9:6 -m 3 -l web',
    );
    expect(told.record).toMatchObject({
      entry: { reply: { src: '10.0.0.2', dst: '10.0.0.9', srcPort: 80, dstPort: 6 }, mark: 3 },
      ...{ isAssured: true, labels: ['web'] },
    });
    expect(told.title).toMatch(/source NAT to 10.0.0.9:6$/);
  });
});

describe('an event', () => {
  const LINE =
    'udp 17 2 src=10.0.0.1 dst=10.0.0.2 sport=5 dport=53 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=53 dport=5';
  const textOf = (line: string): string => JSON.stringify(explained(line));

  it('that an entry was deleted says nothing of what it would do now', () => {
    const gone = textOf(`[DESTROY] ${LINE}`);
    expect(gone).toContain('no NAT: the reply tuple is the original one inverted"');
    expect(gone).toContain('what a reply had to look like');
    expect(gone).not.toMatch(/evicts?|may evict|is not asked about this flow|must look/);
  });

  it('that an entry was made neither misses an answer nor tells an idle time', () => {
    const made = textOf(`[NEW] ${LINE}`);
    expect(made).not.toMatch(/no answer passed|the last packet was/);
    expect(textOf(LINE)).toMatch(/the last packet was 28 s before.*no answer passed/);
  });
});
