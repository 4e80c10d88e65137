import { layoutOf } from '../model/row-layout.ts';
import { FLOWS } from '../model/tables.ts';

/** Words of the columns of `flows` within a row. */
export const layout = layoutOf(FLOWS);
const { at, index } = layout;

export const Flow = {
  number: at('flow'),
  netns: at('netns'),
  zone: at('zone'),
  family: at('family'),
  protocol: at('protocol'),
  src: at('src'),
  dst: at('dst'),
  srcPort: at('src_port'),
  dstPort: at('dst_port'),
  srcReply: at('src_reply'),
  dstReply: at('dst_reply'),
  srcPortReply: at('src_port_reply'),
  dstPortReply: at('dst_port_reply'),
  mark: at('mark'),
  status: at('status'),
  older: at('older'),
  firstAt: at('first_at'),
  firstKtime: at('first_ktime_ns'),
  confirmedAt: at('confirmed_at'),
  endedAt: at('ended_at'),
  confirm: at('confirm'),
  end: at('end'),
  srcNat: at('src_nat'),
  dstNat: at('dst_nat'),
  packets: at('packets'),
  packetsReply: at('packets_reply'),
  bytes: at('bytes'),
  bytesReply: at('bytes_reply'),
  chainPackets: at('chain_packets'),
  mappedPackets: at('mapped_packets'),
  entry: at('entry'),
  complete: at('complete'),
  srcRule: at('src_rule'),
  dstRule: at('dst_rule'),
  repliedAt: at('replied_at'),
  assuredAt: at('assured_at'),
  tcpState: at('tcp_state'),
  establishedAt: at('established_at'),
  handshakeNs: at('handshake_ns'),
  parent: at('parent'),
  zoneDirection: at('zone_direction'),
} as const;

/** Words of one direction's tuple within a flow's. */
export interface TupleWords {
  readonly src: number;
  readonly dst: number;
  readonly srcPort: number;
  readonly dstPort: number;
}

/** Where each of an entry's tuples is. */
export const ORIGINAL: TupleWords = {
  src: Flow.src,
  dst: Flow.dst,
  srcPort: Flow.srcPort,
  dstPort: Flow.dstPort,
};

export const REPLY: TupleWords = {
  src: Flow.srcReply,
  dst: Flow.dstReply,
  srcPort: Flow.srcPortReply,
  dstPort: Flow.dstPortReply,
};

/** Columns that may be null, by index. */
export const FlowNull = {
  confirmedAt: index('confirmed_at'),
  endedAt: index('ended_at'),
  srcRule: index('src_rule'),
  dstRule: index('dst_rule'),
  repliedAt: index('replied_at'),
  assuredAt: index('assured_at'),
  tcpState: index('tcp_state'),
  establishedAt: index('established_at'),
  handshakeNs: index('handshake_ns'),
  parent: index('parent'),
} as const;

/** Words of our own, after the row: struct flow_row of native/flows/flow_row.h. */
export const FlowExtra = {
  lastAt: 0, // time of the last record about this flow
  known: 2, // what has been told: Known
  staged: 3, // turn of the stage in which one of its packets waits, as Stage.mark() says
  mapping: 4, // once both tuples are known, what mappingOf() says
  statusAt: 5, // time of the record that told its status last
  state: 7, // its state as struct flow_row has it
  stateBefore: 8,
  changedAt: 9, // time of the record that told its state's last change
  begunAt: 11, // when its first packet entered its first hook, once that is known
  words: 13,
} as const;

export const Known = {
  original: 1,
  reply: 2,
  confirm: 4,
  told: 8, // the entry itself: zone, address, whether it is older
  syn: 16, // it began with a SYN, at begunAt
} as const;
