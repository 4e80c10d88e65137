import { describe, expect, it } from 'vitest';
import { Status, Verdict } from '../../src/model/codes.ts';
import { TCP_STATES } from '../../src/model/flow-states.ts';
import { tcpOf } from '../../src/rebuild/flow-state.ts';
import { RecordFlag, Seen, StateCode } from '../../src/wire/layout.ts';
import { columnsOf, NETNS, type Rebuilt, type RebuiltOptions, rebuilt, Script } from './script.ts';
import {
  ASKED,
  ESTABLISHED,
  ESTABLISHED_REPLY,
  firstForwarded,
  laterForwarded,
  MAPPED,
  NEW,
  REPLY,
  replyForwarded,
} from './traffic.ts';

const FLOW = 0x0300_0000_0011n;
const OTHER = 0x0300_0000_0022n;
const TCP = 6;
const at = { flow: FLOW, l4proto: TCP } as const;
const REPLIED = MAPPED | Status.seenReply;
const ASSURED = REPLIED | Status.assured;

type TcpName = (typeof TCP_STATES)[number];
const tcp = (name: TcpName): number => StateCode.tcp + TCP_STATES.indexOf(name);

function from(write: (script: Script) => void, options: RebuiltOptions = {}): Rebuilt {
  const script = new Script({}, 'one record');
  write(script);
  return rebuilt(script.records, options);
}

/** `syn_sent unreplied > syn_recv replied`, per row. */
function changes({ states }: Pick<Rebuilt, 'states'>): string[] {
  const side = (reply: unknown, state: unknown): string =>
    reply === null ? 'new' : state === null ? `${reply}` : `${state} ${reply}`;
  return states.map(
    (row) => `${side(row.reply_before, row.tcp_before)} > ${side(row.reply_after, row.tcp_after)}`,
  );
}

const HANDSHAKE = [
  'new > syn_sent unreplied',
  'syn_sent unreplied > syn_recv replied',
  'syn_recv replied > established assured',
];

function syn(script: Script): void {
  script.flow(ASKED, REPLY, {
    ...at,
    status: MAPPED,
    confirmed: Verdict.accept,
    state: tcp('syn_sent'),
  });
  laterForwarded(
    script,
    { flow: FLOW, skb: 0x10n },
    {
      l4proto: TCP,
      ctinfo: NEW,
      status: MAPPED,
      state: tcp('syn_sent'),
    },
  );
}

describe('a connection, packet by packet', () => {
  const whole = (options?: RebuiltOptions): Rebuilt =>
    from((script) => {
      syn(script);
      const place = { flow: FLOW, skb: 0x10n };
      replyForwarded(script, place, { l4proto: TCP, state: tcp('syn_recv'), status: REPLIED });
      const established = { l4proto: TCP, state: tcp('established'), status: ASSURED };
      laterForwarded(script, place, established);
      for (let n = 0; n < 3; n++) replyForwarded(script, place, established);
      laterForwarded(script, place, { ...established, state: tcp('fin_wait') });
    }, options);

  it('has a row for each change, and none for packets that change nothing', () => {
    const found = whole();
    expect(changes(found)).toEqual([...HANDSHAKE, 'established assured > fin_wait assured']);
    expect(found.states.map(({ direction }) => direction)).toEqual([
      'original',
      'reply',
      'original',
      'original',
    ]);
    expect(found.states[1]).toMatchObject({
      flow: FLOW,
      netns: NETNS,
      family: 4,
      protocol: TCP,
      src: ASKED.src,
      dst: ASKED.dst,
      src_port: ASKED.srcPort,
      dst_port: ASKED.dstPort,
      packet: 2n,
    });
  });

  it('names the packet, and its time at its first hook', () => {
    const { states, packets } = whole({ clockOffsetNs: 1_000_000_007n });
    for (const row of states) {
      const packet = packets.find((one) => one.packet === row.packet)!;
      expect(row.changed_at).toBe(packet.started_at);
      expect(row.ktime_ns).toBe(packet.started_ktime_ns);
    }
    const first = states[0]!.ktime_ns as bigint;
    expect(states.map((row) => row.since_first_ns)).toEqual(
      states.map((row) => (row.ktime_ns as bigint) - first),
    );
  });

  it('is told in its flow', () => {
    const { states, flows } = whole();
    expect(flows[0]).toMatchObject({
      tcp_state: 'fin_wait',
      replied_at: states[1]!.changed_at,
      assured_at: states[2]!.changed_at,
      established_at: states[2]!.changed_at,
      handshake_ns: states[2]!.since_first_ns,
    });
    expect(states[2]!.since_first_ns as bigint).toBeGreaterThan(0n);
  });

  it.each([[[1]], [[2, 3]], [[5]]])('is the same in drains of %j records', (chunks) => {
    expect(whole({ chunks }).states).toEqual(whole().states);
    expect(whole({ chunks, flushes: true }).states).toEqual(whole().states);
  });
});

describe('a state', () => {
  it('of an older flow is no change, what follows is', () => {
    const found = from((script) => {
      const established = { ...at, status: ASSURED, state: tcp('established') };
      script.flow(ASKED, REPLY, { ...established, isOlder: true });
      laterForwarded(script, { flow: FLOW }, established);
      laterForwarded(script, { flow: FLOW }, { ...established, state: tcp('close') });
    });
    expect(changes(found)).toEqual(['established assured > close assured']);
    expect(found.flows[0]).toMatchObject({
      tcp_state: 'close',
      replied_at: null,
      assured_at: null,
      established_at: null,
      handshake_ns: null,
    });
  });

  it('of UDP is whether it was replied to and assured', () => {
    const found = from((script) => {
      const place = { flow: FLOW, skb: 0x20n };
      const state = StateCode.noTcp;
      script.flow(ASKED, REPLY, { ...place, skb: 0n, status: MAPPED, confirmed: 1, state });
      laterForwarded(script, place, { ctinfo: NEW, status: MAPPED, state });
      replyForwarded(script, place, { status: REPLIED, state });
      laterForwarded(script, place, { status: REPLIED, state });
      laterForwarded(script, place, { status: ASSURED, state });
    });
    expect(changes(found)).toEqual(['new > unreplied', 'unreplied > replied', 'replied > assured']);
    expect(found.flows[0]).toMatchObject({ tcp_state: null, established_at: null });
  });

  it('of a connection picked up in the middle has no handshake', () => {
    const found = from((script) => {
      const established = { ...at, status: MAPPED, state: tcp('established') };
      script.flow(ASKED, REPLY, { ...established, confirmed: Verdict.accept });
      laterForwarded(script, { flow: FLOW }, { ...established, ctinfo: NEW });
      replyForwarded(script, { flow: FLOW }, { ...established, status: ASSURED });
    });
    expect(changes(found)).toEqual([
      'new > established unreplied',
      'established unreplied > established assured',
    ]);
    const [first] = found.states;
    expect(found.flows[0]).toMatchObject({
      established_at: first!.changed_at,
      handshake_ns: null,
    });
  });

  it('of a packet that never came into the table is no change', () => {
    const found = from((script) => {
      laterForwarded(script, { flow: FLOW }, { ...at, ctinfo: NEW, state: tcp('syn_sent') });
      script.end(ASKED, { ...at, isUnconfirmed: true, state: tcp('syn_sent') });
    });
    expect(found.states).toEqual([]);
    expect(found.flows[0]).toMatchObject({ tcp_state: 'syn_sent' });
  });

  it('that nothing tells, as in captures of an older version, is none', () => {
    const found = from((script) => {
      firstForwarded(script, { flow: FLOW });
      replyForwarded(script, { flow: FLOW });
      laterForwarded(script, { flow: FLOW }, { status: ASSURED });
    });
    expect(found.states).toEqual([]);
    expect(found.flows[0]).toMatchObject({ tcp_state: null, replied_at: null, assured_at: null });
  });

  it('at the end of an entry is its last, and no change', () => {
    const found = from((script) => {
      syn(script);
      script.end(ASKED, { ...at, status: MAPPED, state: tcp('close') });
    });
    expect(changes(found)).toEqual(['new > syn_sent unreplied']);
    expect(found.flows[0]).toMatchObject({ tcp_state: 'close' });
  });

  it('that a RST brings within the packet after which the entry is gone is that packet’s', () => {
    const found = from((script) => {
      syn(script);
      script.end(ASKED, { ...at, status: MAPPED, state: tcp('close') });
      const close = { l4proto: TCP, status: MAPPED | Status.dying, state: tcp('close') };
      replyForwarded(script, { flow: FLOW, skb: 0x30n }, close);
    });
    expect(changes(found)).toEqual([
      'new > syn_sent unreplied',
      'syn_sent unreplied > close unreplied',
    ]);
  });
});

it('a state that no kernel has is no word', () => {
  expect(tcpOf(tcp('syn_sent2') << Seen.state)).toBe(TCP_STATES.indexOf('syn_sent2'));
  expect(tcpOf((tcp('syn_sent2') + 1) << Seen.state)).toBe(-1);
  expect(tcpOf(StateCode.noTcp << Seen.state)).toBe(-1);
});

describe('two packets under way together', () => {
  /** Both are at their first hook before either has left. */
  function overlapping(states: readonly TcpName[], more: readonly TcpName[] = []): Rebuilt {
    return from((script) => {
      syn(script);
      const startedNs = script.now + 5n;
      for (const [cpu, name] of states.entries()) {
        const packet = { ...at, cpu, skb: BigInt(0x40 + cpu), ctinfo: ESTABLISHED };
        const options = { ...packet, status: ASSURED, state: tcp(name) };
        script.traversal(['prerouting', 'forward', 'postrouting'], options, startedNs);
      }
      for (const name of more) {
        laterForwarded(
          script,
          { flow: FLOW, skb: 0x50n },
          {
            l4proto: TCP,
            status: ASSURED,
            state: tcp(name),
          },
        );
      }
    });
  }

  it('do not turn a state back: the later record may have been read before', () => {
    const ways = changes(overlapping(['established', 'fin_wait', 'established']));
    expect(ways.slice(1)).toEqual([
      'syn_sent unreplied > established assured',
      'established assured > fin_wait assured',
    ]);
  });

  it('are believed in what the next packet shows, too', () => {
    const ways = changes(overlapping(['established', 'fin_wait', 'established'], ['established']));
    expect(ways.slice(2)).toEqual([
      'established assured > fin_wait assured',
      'fin_wait assured > established assured',
    ]);
  });
});

describe('a packet in parts', () => {
  it('shows the change at its end, as of its beginning', () => {
    const { packetConntrackRan: RAN, packetIsPart } = RecordFlag;
    const { states, packets } = from((script) => {
      syn(script);
      const place = { flow: FLOW, skb: 0x60n, l4proto: TCP, ctinfo: ESTABLISHED_REPLY };
      script.traversal(['prerouting'], { ...place, flags: RAN | packetIsPart });
      script.traversal(['forward', 'postrouting'], {
        ...place,
        cpu: 1,
        status: REPLIED,
        state: tcp('syn_recv'),
      });
    });
    expect(changes({ states }).at(-1)).toBe('syn_sent unreplied > syn_recv replied');
    expect(states.at(-1)).toMatchObject({ packet: 2n, changed_at: packets[1]!.started_at });
    expect(packets.length).toBe(2);
  });
});

describe('with flows alone', () => {
  const records = (script: Script): void => {
    const firstNs = script.now - 700n;
    script.flow(ASKED, REPLY, {
      ...at,
      status: MAPPED,
      confirmed: Verdict.accept,
      state: tcp('syn_sent'),
      firstNs,
    });
    script.changed(ASKED, { ...at, ctinfo: 3, status: REPLIED, state: tcp('syn_recv') });
    script.changed(ASKED, { ...at, ctinfo: 0, status: ASSURED, state: tcp('established') });
    script.changed(ASKED, { ...at, ctinfo: 0, status: ASSURED, state: tcp('established') });
  };

  it('records of their own tell the changes, of no packet', () => {
    const found = from(records, { changesFrom: 'records' });
    expect(changes(found)).toEqual(HANDSHAKE);
    const rows = columnsOf(found.states, 'packet', 'direction');
    expect(rows).toEqual([
      { packet: null, direction: 'original' },
      { packet: null, direction: 'reply' },
      { packet: null, direction: 'original' },
    ]);
    const [flow] = found.flows;
    const established = found.states[2]!;
    expect(flow).toMatchObject({
      established_at: established.changed_at,
      handshake_ns: (established.ktime_ns as bigint) - (flow!.first_ktime_ns as bigint),
      tcp_state: 'established',
    });
    expect(found.states[0]!.changed_at).toBe(flow!.confirmed_at);
  });

  it('the first state of an older flow is no change, the next one is', () => {
    const found = from(
      (script) => {
        const established = { ...at, status: ASSURED, state: tcp('established') };
        script.flow(ASKED, REPLY, { ...established, isOlder: true });
        script.changed(ASKED, { ...established, ctinfo: 3, state: tcp('fin_wait') });
      },
      { changesFrom: 'records' },
    );
    expect(changes(found)).toEqual(['established assured > fin_wait assured']);
    expect(found.states[0]).toMatchObject({ direction: 'reply' });
  });

  it('and without them nothing does, but the last state is known', () => {
    const found = from(
      (script) => {
        firstForwarded(script, { flow: OTHER }, { l4proto: TCP, state: tcp('syn_sent') });
        script.end(ASKED, { flow: OTHER, l4proto: TCP, status: ASSURED, state: tcp('time_wait') });
      },
      { changesFrom: 'nothing' },
    );
    expect(found.states).toEqual([]);
    expect(found.flows[0]).toMatchObject({ tcp_state: 'time_wait', replied_at: null });
  });
});
