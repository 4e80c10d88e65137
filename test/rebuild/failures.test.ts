/** Records of failures to rows: what each is called, what it moved, and what is told later. */
import { describe, expect, it } from 'vitest';
import { accountFor, describeUnexplained } from '../../src/model/accounted.ts';
import { Status, Verdict } from '../../src/model/codes.ts';
import { Ctinfo, FailureFlag, RecordFlag } from '../../src/wire/layout.ts';
import { NETNS, type Row, rebuilt, Script, type Tuple } from './script.ts';

const SKB = 0xffff_8881_0203_0400n;
const FORMAT = 0xffff_ffff_c0a1_b2c3n;
const TCP = 6;
const ICMP = 1;
const ICMPV6 = 58;

const PACKET: Tuple = { src: '10.0.1.2', dst: '203.0.113.2', srcPort: 9410, dstPort: 9400 };
const RIVAL: Tuple = { src: '10.0.1.7', dst: '203.0.113.8', srcPort: 9511, dstPort: 9512 };
const RIVAL_REPLY: Tuple = { src: '203.0.113.8', dst: '10.0.1.7', srcPort: 9512, dstPort: 9511 };
const RAN = RecordFlag.packetConntrackRan;

const only = (script: Script, options = {}): Row => {
  const { failures } = rebuilt(script.records, options);
  expect(failures).toHaveLength(1);
  return failures[0]!;
};

/** A packet whose reason the kernel told, and then its traversal, if it has one. */
function complained(text: string, ctinfo?: number, fields = {}): Script {
  const script = new Script({ skb: SKB, l4proto: TCP });
  script.text(FORMAT, text);
  const started = script.now;
  script.failure('invalid', PACKET, { said: FORMAT, hook: 0, ...fields });
  if (ctinfo === undefined) return script;
  script.now = started; // it came to its hook before it was refused there
  script.traversal(['prerouting', 'forward', 'postrouting'], { came: PACKET, ctinfo, flags: RAN });
  return script;
}

describe('a packet that the kernel complains about', () => {
  it('is invalid by its end, and has the words, the tuple and the counter', () => {
    expect(only(complained('invalid rst', Ctinfo.none))).toMatchObject({
      cause: 'invalid packet',
      known_by: 'packet',
      counters: 'invalid',
      text: 'invalid rst',
      hook: 'prerouting',
      netns: NETNS,
      family: 4,
      protocol: TCP,
      src: '10.0.1.2',
      dst: '203.0.113.2',
      src_port: 9410,
      dst_port: 9400,
      flow: null,
      rival: null,
      rule: null,
      tries: null,
      fill: null,
    });
  });

  it.each([
    ['invalid rst', 'logged only', 'packet', 2],
    ['challenge-ack ignored', 'invalid packet', 'packet', Ctinfo.none],
    ['challenge-ack ignored', 'logged only', 'text', undefined],
    ['SEQ is under lower bound %u (already ACKed data', 'logged only', 'text', undefined],
    ['SEQ is under the lower bound (already ACKed dat', 'invalid packet', 'text', undefined],
    ['packet (index %d) in dir %d ignored, state %s', 'logged only', 'text', undefined],
    ['packet (index %d, dir %d) response lower timeout', 'logged only', 'text', undefined],
    ['packet (index %d) in dir %d invalid, state %s', 'invalid packet', 'text', undefined],
    ['invalid tcp flag combination', 'invalid packet', 'text', undefined],
  ])('"%s" is %s, known by %s', (text, cause, knownBy, ctinfo) => {
    const row = only(complained(text, ctinfo));
    expect(row).toMatchObject({ cause, known_by: knownBy });
    expect(row.counters).toBe(cause === 'invalid packet' ? 'invalid' : null);
  });

  it.each([
    ['of no entry', 0, 'icmp refused', 'error'],
    ['of an entry', FailureFlag.ofEntry, 'invalid packet', 'invalid'],
  ])('is counted %s as the kernel does where it is ICMP', (_, flags, cause, counters) => {
    const row = only(complained('invalid new', undefined, { l4proto: ICMP, flags }));
    expect(row).toMatchObject({ cause, counters, protocol: ICMP });
  });

  it('keeps a text that was cut up to its last whole word', () => {
    const whole = 'packet (index %d) in dir %d invalid, state %s and more';
    expect(only(complained(whole.slice(0, 47))).text).toBe(
      'packet (index %d) in dir %d invalid, state %s …',
    );
  });

  it('has no text where that was lost', () => {
    const script = new Script({ skb: SKB, l4proto: TCP });
    script.failure('invalid', PACKET, { said: FORMAT });
    expect(only(script)).toMatchObject({ text: null, cause: 'invalid packet', hook: null });
  });
});

describe('a packet without an entry', () => {
  const silent = (
    options = {},
    hooks: readonly ('prerouting' | 'forward' | 'postrouting')[] = ['prerouting', 'forward'],
  ): Row[] => {
    const script = new Script({ skb: SKB, cpu: 3 });
    script.traversal(hooks, {
      came: PACKET,
      l4proto: TCP,
      flags: RAN,
      verdict: Verdict.drop,
      ...options,
    });
    return rebuilt(script.records).failures;
  };

  it('was refused without a word, where conntrack was at work', () => {
    expect(silent()).toMatchObject([
      {
        cause: 'invalid packet',
        text: null,
        hook: 'prerouting',
        cpu: 3,
        zone: null,
        protocol: TCP,
      },
    ]);
  });

  it.each([
    ['conntrack was not at work', { flags: 0 }],
    ['it came with an entry', { flags: RAN | RecordFlag.packetHadEntry }],
    ['more of it may follow', { flags: RAN | RecordFlag.packetIsPart }],
    ['a visit was not seen', { flags: RAN | RecordFlag.packetIsTorn }],
    ['it is untracked', { ctinfo: Ctinfo.untracked }],
  ])('was not, where %s', (_, options) => {
    expect(silent(options)).toEqual([]);
  });

  it('was not, where its first hook stole it', () => {
    expect(silent({ verdict: Verdict.stolen }, ['prerouting'])).toEqual([]);
    expect(silent({ verdict: Verdict.accept }, ['prerouting'])).toHaveLength(1);
  });

  it.each([
    [ICMP, 3 * 256 + 1, 'error'],
    [ICMP, 0, 'invalid'],
    [ICMP, 19 * 256, 'error'],
    [ICMPV6, 1 * 256 + 4, 'error'],
    [ICMPV6, 129 * 256, 'invalid'],
    [TCP, 3 * 256 + 1, 'invalid'],
  ])('of protocol %i, type and code %i, counts as %s', (l4proto, dstPort, counters) => {
    expect(silent({ l4proto, came: { ...PACKET, dstPort } })).toMatchObject([{ counters }]);
  });

  it('is told once where nf_conntrack_in() tells it, too', () => {
    const script = complained('invalid rst');
    script.failure('refused', PACKET, { verdict: Verdict.accept, hook: 0 });
    script.failure('refused', RIVAL, { verdict: Verdict.accept, hook: 3, skb: SKB + 256n });
    script.traversal(['output', 'postrouting'], { came: RIVAL, skb: SKB + 256n, flags: RAN });
    const { failures } = rebuilt(script.records, { refusalsTold: true });
    expect(failures.map(({ text, hook, known_by: by }) => [text, hook, by])).toEqual([
      ['invalid rst', 'prerouting', 'packet'],
      [null, 'output', 'packet'],
    ]);
  });
});

describe('an entry', () => {
  const clash = (fields: object): Row => {
    const script = new Script({ flow: 41n });
    script.flow(RIVAL, RIVAL_REPLY, { flow: 7n, confirmed: 1 });
    script.failure('clash', PACKET, { rival: 7n, zone: 0x1_0009, ...fields });
    return only(script);
  };

  it.each([
    [{ verdict: Verdict.drop }, 'clash refused', 'drop,insert_failed'],
    [
      { verdict: Verdict.drop, flags: FailureFlag.replyTaken },
      'mapping taken',
      'drop,insert_failed',
    ],
    [{ verdict: Verdict.accept, flags: FailureFlag.merged }, 'clash merged', 'clash_resolve'],
    [{ verdict: Verdict.accept }, 'clash kept', 'clash_resolve'],
  ])('%j is %s, with its rival', (fields, cause, counters) => {
    expect(clash(fields)).toMatchObject({
      cause,
      counters,
      known_by: 'call',
      zone: 9,
      flow: 41n,
      rival: 7n,
      rival_src: '10.0.1.7',
      rival_dst: '203.0.113.8',
      rival_src_port: 9511,
      rival_dst_port: 9512,
    });
  });

  it.each([
    [Status.dying, 'entry dying'],
    [0, 'not inserted'],
  ])('with status %i that is refused is %s', (status, cause) => {
    const script = new Script({ flow: 41n });
    script.failure('confirm', PACKET, { status, verdict: Verdict.drop });
    expect(only(script)).toMatchObject({ cause, counters: 'insert_failed', rival: null });
  });

  it('has the rule that is told after the failure, the tries, and what NAT was asked for', () => {
    const script = new Script({ flow: 41n });
    const range = { src: '203.0.113.1', dst: '203.0.113.3', srcPort: 40100, dstPort: 40101 };
    script.failure('range', range);
    script.failure('search', PACKET, { tries: 128 });
    script.flow(PACKET, RIVAL_REPLY, { srcRule: (1n << 62n) | (5n << 35n) | 9n, confirmed: 0 });
    expect(only(script)).toMatchObject({
      cause: 'no free port',
      counters: null,
      rule: 1,
      tries: 128,
      min_address: '203.0.113.1',
      max_address: '203.0.113.3',
      min_port: 40100,
      max_port: 40101,
    });
  });

  it('may be of a range without addresses, or without ports', () => {
    const script = new Script({ flow: 41n });
    script.failure('range', { src: '::', dst: '::', srcPort: 0, dstPort: 0 });
    script.failure('search', PACKET, { tries: 2 });
    expect(only(script)).toMatchObject({ min_address: null, min_port: null, max_port: null });
  });
});

describe('a full table', () => {
  it('drops the newcomer', () => {
    const script = new Script();
    script.failure('full', PACKET, { fill: 401, limit: 400, skb: 0n });
    expect(only(script)).toMatchObject({
      cause: 'table full',
      counters: 'drop',
      src_port: 9410,
      fill: 401,
      limit: 400,
      rival: null,
    });
  });

  it('evicts a flow, which has ended so; of whom it was for perhaps nothing is known', () => {
    const script = new Script();
    script.flow(RIVAL, RIVAL_REPLY, { flow: 7n, confirmed: 1 });
    script.failure('evicted', undefined, { rival: 7n, fill: 0, limit: 0 });
    script.end(RIVAL, { flow: 7n, remaining: 99, isEvicted: true });
    const { failures, flows } = rebuilt(script.records);
    expect(failures).toMatchObject([
      {
        cause: 'evicted',
        counters: 'early_drop',
        rival: 7n,
        rival_src: '10.0.1.7',
        src: null,
        protocol: null,
        fill: null,
        limit: null,
      },
    ]);
    expect(flows).toMatchObject([{ flow: 7n, end: 'evicted' }]);
  });
});

it.each([
  ['expect', 'expectation refused', null, { error: 24 }, 'EMFILE'],
  ['expect', 'expectation refused', null, { error: 77 }, 'errno 77'],
  ['helper', 'dropped by helper', null, { said: FORMAT }, 'cannot add expectation'],
  ['sequence', 'sequence not adjusted', 'drop', {}, null],
] as const)('%s is %s', (kind, cause, counters, fields, text) => {
  const script = new Script({ flow: 41n });
  script.text(FORMAT, 'cannot add expectation');
  script.failure(kind, PACKET, fields);
  expect(only(script)).toMatchObject({ cause, counters, text, flow: 41n });
});

describe('the sum', () => {
  it('is by namespace, CPU and counter', () => {
    const script = new Script({ cpu: 2 });
    script.failure('clash', PACKET, { verdict: Verdict.drop });
    script.failure('clash', PACKET, { verdict: Verdict.drop, cpu: 5 });
    script.failure('full', PACKET);
    const counted = rebuilt(script.records).rebuild.failures.counts.all;
    expect(counted).toEqual([
      { netns: NETNS, cpu: 2, counter: 'drop', count: 2 },
      { netns: NETNS, cpu: 2, counter: 'insert_failed', count: 1 },
      { netns: NETNS, cpu: 5, counter: 'drop', count: 1 },
      { netns: NETNS, cpu: 5, counter: 'insert_failed', count: 1 },
    ]);
  });

  it('stands beside what the kernel counted, of the namespaces that were read', () => {
    const accounted = accountFor(
      [NETNS],
      [
        { netns: NETNS, cpu: 0, counter: 'invalid', count: 5 },
        { netns: NETNS, cpu: 1, counter: 'found', count: 8 },
        { netns: 99, cpu: 0, counter: 'drop', count: 4 },
      ],
      [
        { netns: NETNS, cpu: 0, counter: 'invalid', count: 3 },
        { netns: NETNS, cpu: 2, counter: 'error', count: 1 },
      ],
    );
    expect(accounted).toEqual([
      { netns: NETNS, cpu: 0, counter: 'invalid', counted: 5, explained: 3 },
      { netns: NETNS, cpu: 2, counter: 'error', counted: 0, explained: 1 },
    ]);
    expect(describeUnexplained(accounted, (inode) => `ns-${inode}`)).toEqual([
      `ns-${NETNS}: 3 of 5 invalid (cpu 0)`,
      `ns-${NETNS}: 1 of 0 error (cpu 2)`,
    ]);
  });
});
