/** Entries as they are given to `conntrack -I`, and what every listing of them must say. */
import type { Entry, EntryTuple } from '../../src/model/entry.ts';

export interface Inserted {
  readonly protocol: number;
  /** As `conntrack -p` takes it. */
  readonly word: string;
  readonly original: EntryTuple;
  readonly reply: EntryTuple;
  readonly timeoutS: number;
  readonly state?: string;
  readonly status?: 'SEEN_REPLY' | 'SEEN_REPLY,ASSURED';
  readonly mark?: number;
  /** One zone for both, or of one direction alone: the kernel takes no more. */
  readonly zones?: Entry['zones'];
}

function tuple(src: string, srcPort: number, dst: string, dstPort: number): EntryTuple {
  return { src, srcPort, dst, dstPort };
}

/** Ports differ in all, so that each is found again in every listing. */
function ported(
  number: number,
  word: string,
  protocol: number,
  more: Partial<Inserted> = {},
): Inserted {
  const port = 5000 + number;
  return {
    ...{ protocol, word, timeoutS: 900 + number },
    original: tuple('10.0.0.10', port, '10.8.2.12', 80),
    reply: tuple('10.8.2.12', 80, '10.0.0.10', port),
    ...more,
  };
}

const TCP_STATES = [
  ...['SYN_SENT', 'SYN_RECV', 'ESTABLISHED', 'FIN_WAIT', 'CLOSE_WAIT', 'LAST_ACK', 'TIME_WAIT'],
  'CLOSE',
];
const SCTP_STATES = ['CLOSED', 'COOKIE_WAIT', 'COOKIE_ECHOED', 'ESTABLISHED', 'SHUTDOWN_SENT'];

export const INSERTED: readonly Inserted[] = [
  ...TCP_STATES.map((state, index) =>
    ported(index, 'tcp', 6, {
      state,
      ...(index === 0 ? {} : { status: index === 1 ? 'SEEN_REPLY' : 'SEEN_REPLY,ASSURED' }),
    }),
  ),
  ...SCTP_STATES.map((state, index) => ported(20 + index, 'sctp', 132, { state })),
  // source NAT, of the address, of the port alone, of both
  ported(30, 'tcp', 6, {
    ...{ state: 'ESTABLISHED', status: 'SEEN_REPLY,ASSURED' },
    reply: tuple('10.8.2.12', 80, '192.168.1.2', 5030),
  }),
  ported(31, 'udp', 17, { reply: tuple('10.8.2.12', 80, '10.0.0.10', 6031) }),
  ported(32, 'udp', 17, { reply: tuple('10.8.2.12', 80, '192.168.1.3', 6032) }),
  // destination NAT, the same, and both ends
  ported(33, 'udp', 17, { reply: tuple('10.9.0.1', 80, '10.0.0.10', 5033) }),
  ported(34, 'udp', 17, { reply: tuple('10.8.2.12', 8080, '10.0.0.10', 5034) }),
  ported(35, 'udp', 17, {
    status: 'SEEN_REPLY',
    reply: tuple('10.9.0.2', 8081, '192.168.1.4', 6035),
  }),
  ported(40, 'udp', 17, { mark: 0xdeadbeef }),
  ported(41, 'udp', 17, { zones: [7, 7] }),
  ported(42, 'udp', 17, { zones: [8, 0] }),
  ported(43, 'udp', 17, { zones: [0, 9] }),
  ported(44, 'udplite', 136),
  ported(50, 'udp', 17, {
    original: tuple('fd00::1', 5050, 'fd00::2:0:3', 53),
    reply: tuple('fd00::9', 53, '2001:db8::1', 6050),
  }),
  {
    ...{ protocol: 1, word: 'icmp', timeoutS: 961 },
    original: tuple('10.0.0.11', 77, '10.8.2.12', 8 * 256),
    reply: tuple('10.8.2.12', 77, '10.0.0.11', 0),
  },
  {
    ...{ protocol: 58, word: 'icmpv6', timeoutS: 962 },
    original: tuple('fd00::1', 78, 'fd00::2', 128 * 256),
    reply: tuple('fd00::2', 78, 'fd00::1', 129 * 256),
  },
  {
    ...{ protocol: 47, word: 'gre', timeoutS: 963 },
    original: tuple('10.0.0.12', 0x10, '10.8.2.12', 0x20),
    reply: tuple('10.8.2.12', 0x20, '10.0.0.12', 0x10),
  },
  {
    ...{ protocol: 50, word: '50', timeoutS: 964 },
    original: tuple('10.0.0.13', 0, '10.8.2.12', 0),
    reply: tuple('10.8.2.12', 0, '10.0.0.13', 0),
  },
];

export function insertArguments(one: Inserted): string {
  const { word, original, reply, timeoutS, state, status, mark, zones = [0, 0] } = one;
  const [first, second] = zones;
  return [
    `conntrack -I -p ${word} -t ${timeoutS}`,
    `-s ${original.src} -d ${original.dst} -r ${reply.src} -q ${reply.dst}`,
    numberArguments(one),
    state === undefined ? '' : `--state ${state}`,
    word === 'sctp' ? '--orig-vtag 1 --reply-vtag 2' : '',
    status === undefined ? '' : `-u ${status}`,
    mark === undefined ? '' : `-m ${mark}`,
    first === second && first !== 0 ? `-w ${first}` : '',
    first !== second && first !== 0 ? `--orig-zone ${first}` : '',
    first !== second && second !== 0 ? `--reply-zone ${second}` : '',
  ].join(' ');
}

function numberArguments({ word, original, reply }: Inserted): string {
  switch (word) {
    case '50':
      return '';
    case 'gre':
      return `--srckey ${original.srcPort} --dstkey ${original.dstPort} --reply-key-src ${reply.srcPort} --reply-key-dst ${reply.dstPort}`;
    case 'icmp':
    case 'icmpv6':
      return `--${word}-type ${original.dstPort >> 8} --${word}-code 0 --${word}-id ${original.srcPort}`;
    default:
      return `--sport ${original.srcPort} --dport ${original.dstPort} --reply-port-src ${reply.srcPort} --reply-port-dst ${reply.dstPort}`;
  }
}
